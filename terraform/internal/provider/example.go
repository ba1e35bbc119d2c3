package provider

import (
	"fmt"
	"strings"

	pb "github.com/patronus-sdwan/patronus/api/go/patronus/v1"
	"github.com/patronus-sdwan/patronus/api/go/schema"
)

// Example is a configuration of a kind that passes the rules: what is required, and references as references.
func Example(s *schema.Schema, kind *schema.Kind) string {
	var out strings.Builder
	name := "example"
	if kind.Parent != nil {
		name = "${patronus_" + resourceName(kind.Parent) + ".example.name}/" + kind.Plural + "/example"
	} else {
		name = kind.Plural + "/" + name
	}
	fmt.Fprintf(&out, "resource \"patronus_%s\" \"example\" {\n", resourceName(kind))
	pairs := [][2]string{{"name", "\"" + name + "\""}}
	for _, f := range kindFields(kind, func(r *pb.FieldRules) bool { return r.Output == pb.Output_OUTPUT_UNSPECIFIED }) {
		if f.rules.Required {
			pairs = append(pairs, [2]string{f.name, exampleField(s, f, "  ")})
		}
	}
	writePairs(&out, pairs, "  ")
	out.WriteString("}\n")
	return out.String()
}

// writePairs aligns as `terraform fmt` does: runs of arguments of one line each.
func writePairs(out *strings.Builder, pairs [][2]string, indent string) {
	for start := 0; start < len(pairs); {
		end, width := start, 0
		for end < len(pairs) && !strings.Contains(pairs[end][1], "\n") {
			width = max(width, len(pairs[end][0]))
			end++
		}
		if end == start {
			end++
		}
		for _, pair := range pairs[start:end] {
			fmt.Fprintf(out, "%s%-*s = %s\n", indent, width, pair[0], pair[1])
		}
		start = end
	}
}

func exampleField(s *schema.Schema, f *field, indent string) string {
	value := exampleValue(s, f, indent)
	switch f.in {
	case list, set:
		return "[" + value + "]"
	case mapped:
		return "{ example = " + value + " }"
	}
	return value
}

func exampleValue(s *schema.Schema, f *field, indent string) string {
	switch f.shape {
	case shapeBool:
		return "true"
	case shapeInt, shapeFloat:
		return fmt.Sprint(max(f.rules.Min, 1))
	case shapeEnum:
		return fmt.Sprintf("%q", f.enumNames()[0])
	case shapeTimestamp:
		return "timeadd(plantimestamp(), \"1h\")"
	case shapeDuration:
		return `"1.500s"`
	case shapeBytes:
		return `"AAEC"`
	case shapeObject:
		var out strings.Builder
		out.WriteString("{\n")
		var pairs [][2]string
		for i, child := range f.children {
			if child.rules.Required || (i == 0 && len(f.children) > 0 && !anyRequired(f.children)) {
				pairs = append(pairs, [2]string{child.name, exampleField(s, child, indent+"  ")})
			}
		}
		writePairs(&out, pairs, indent+"  ")
		return out.String() + indent + "}"
	}
	if kind := s.Kind(f.rules.Reference); kind != nil {
		return "patronus_" + resourceName(kind) + ".example.name"
	}
	return fmt.Sprintf("%q", exampleTexts[f.rules.Format])
}

func anyRequired(fields []*field) bool {
	for _, f := range fields {
		if f.rules.Required {
			return true
		}
	}
	return false
}

var exampleTexts = map[pb.Format]string{
	pb.Format_FORMAT_UNSPECIFIED: "example", pb.Format_ID: "example", pb.Format_IP: "192.0.2.1", pb.Format_IP_PREFIX: "192.0.2.0/24",
	pb.Format_IP_INTERFACE: "192.0.2.1/24", pb.Format_HOST_PORT: "192.0.2.1:7400", pb.Format_FQDN: "www.example.net", pb.Format_IFNAME: "eth0",
	pb.Format_SHA256_HEX: "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
}
