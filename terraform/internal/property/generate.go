package main

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"time"

	pb "github.com/patronus-sdwan/patronus/api/go/patronus/v1"
	"github.com/patronus-sdwan/patronus/api/go/schema"
	"google.golang.org/protobuf/reflect/protoreflect"
)

// generator makes configurations of any kind that the rules of its schema allow: absent, default and set values, unicode,
// every shape. What only a subsystem knows (an empty match matches everything) is mended by `mend`.
type generator struct {
	*rand.Rand
	schema *schema.Schema
	org    string
	pool   map[string][]string // names to refer to, by kind
	serial int                 // for what must be unique
}

func (g *generator) chance(percent int) bool { return g.IntN(100) < percent }

func (g *generator) unique() int {
	g.serial++
	return g.serial
}

// config of a kind: attribute -> plain value; absent for null.
func (g *generator) config(kind *schema.Kind) map[string]any {
	values := g.message(kind.Message)
	delete(values, "name")
	g.mend(kind.Singular, values)
	return values
}

func (g *generator) message(message protoreflect.MessageDescriptor) map[string]any {
	values := map[string]any{}
	for i := 0; i < message.Fields().Len(); i++ {
		desc := message.Fields().Get(i)
		rules := schema.Rules(desc)
		if rules.Output != pb.Output_OUTPUT_UNSPECIFIED || (!rules.Required && g.chance(40)) {
			continue
		}
		if value := g.field(desc, rules); value != nil {
			values[string(desc.Name())] = value
		}
	}
	return values
}

func (g *generator) field(desc protoreflect.FieldDescriptor, rules *pb.FieldRules) any {
	switch {
	case desc.IsMap():
		entries := map[string]any{}
		for n := g.IntN(4); n > 0; n-- {
			entries[fmt.Sprintf("k%d", g.IntN(9))] = g.value(desc.MapValue(), rules)
		}
		return entries
	case desc.IsList():
		least := 0
		if rules.Required {
			least = 1
		}
		elements := []any{}
		seen := map[string]bool{}
		for n := least + g.IntN(min(4, int(rules.MaxItems))); n > 0; n-- {
			value := g.value(desc, rules)
			if value == nil || (rules.Set && seen[fmt.Sprint(value)]) {
				continue
			}
			seen[fmt.Sprint(value)] = true
			elements = append(elements, value)
		}
		return elements
	}
	if !rules.Required && !desc.HasPresence() && desc.Kind() != protoreflect.EnumKind && g.chance(15) {
		return zero(desc)
	}
	return g.value(desc, rules)
}

func zero(desc protoreflect.FieldDescriptor) any {
	switch desc.Kind() {
	case protoreflect.BoolKind:
		return false
	case protoreflect.StringKind, protoreflect.BytesKind:
		return ""
	}
	return 0
}

func (g *generator) value(desc protoreflect.FieldDescriptor, rules *pb.FieldRules) any {
	switch desc.Kind() {
	case protoreflect.BoolKind:
		return g.chance(50)
	case protoreflect.EnumKind:
		values := desc.Enum().Values()
		return string(values.Get(1 + g.IntN(values.Len()-1)).Name())
	case protoreflect.StringKind:
		return g.text(rules)
	case protoreflect.BytesKind:
		return "AAEC/w=="
	case protoreflect.FloatKind, protoreflect.DoubleKind:
		return float64(g.IntN(1000)) / 8
	case protoreflect.MessageKind:
		switch desc.Message().FullName() {
		case "google.protobuf.Timestamp":
			return time.Unix(1800000000+int64(g.IntN(1e8)), 0).UTC().Format("2006-01-02T15:04:05Z")
		case "google.protobuf.Duration":
			return []string{"0s", "1s", "1.500s", "0.000250s", "3600s"}[g.IntN(5)]
		}
		return g.message(desc.Message())
	}
	low, high := int64(0), int64(1<<31-1)
	if rules.HasRange {
		low, high = rules.Min, rules.Max
	}
	if rules.Required && low == 0 {
		low = 1
	}
	if g.chance(20) {
		return high
	}
	return low + g.Int64N(high-low+1)
}

var words = []string{"Zürich", "東京 🛰", "a \"b\" 'c'", "${x} %{y}", "back\\slash", "tab\tand\nline", "ordinary", " spaces ", "<&>", "עברית"}

func (g *generator) text(rules *pb.FieldRules) any {
	if rules.Reference != "" {
		names := g.pool[rules.Reference]
		if len(names) == 0 {
			return nil
		}
		return names[g.IntN(len(names))]
	}
	n := g.unique()
	switch rules.Format {
	case pb.Format_ID:
		return fmt.Sprintf("id-%d", n)
	case pb.Format_IP:
		if g.chance(30) {
			return fmt.Sprintf("2001:db8::%x", n)
		}
		return fmt.Sprintf("10.%d.%d.%d", n>>16&255, n>>8&255, n&255)
	case pb.Format_IP_PREFIX:
		if g.chance(30) {
			return fmt.Sprintf("2001:db8:%x::/48", n&0xffff|1)
		}
		return fmt.Sprintf("10.%d.%d.0/24", n>>8&255, n&255)
	case pb.Format_IP_INTERFACE:
		return fmt.Sprintf("10.%d.%d.1/24", n>>8&255, n&255)
	case pb.Format_HOST_PORT:
		return fmt.Sprintf("host%d.example.net:%d", n, 1+n%60000)
	case pb.Format_FQDN:
		return fmt.Sprintf("*.h%d.example.net", n)
	case pb.Format_IFNAME:
		return fmt.Sprintf("if%d", n)
	case pb.Format_SHA256_HEX:
		return fmt.Sprintf("%064x", n)
	}
	if g.chance(5) {
		return strings.Repeat("x", int(rules.MaxSize))
	}
	return words[g.IntN(len(words))]
}

// mend puts right what the schema cannot say.
func (g *generator) mend(kind string, values map[string]any) {
	switch kind {
	case "organization":
		delete(values, "quotas") // a small one would refuse the rest of the run
		delete(values, "tier")
		values["parent_organization"] = g.org
	case "fabric":
		delete(values, "sites")
		if hubs, _ := values["hubs"].([]any); values["topology"] == "HUB_SPOKE" && len(hubs) == 0 {
			values["topology"] = "REGIONAL"
		}
	case "application":
		g.mendMatches(values)
	case "steeringPolicy":
		for _, rule := range values["rules"].([]any) {
			mendRule(rule.(map[string]any))
		}
	case "slaProfile":
		for _, name := range []string{"evaluation_window", "fast_down", "slow_up", "dampening"} {
			if _, given := values[name]; given {
				values[name] = []string{"1s", "1.500s", "0.250s"}[g.IntN(3)]
			}
		}
	case "qosProfile":
		g.mendClasses(values)
	case "natPolicy":
		for _, name := range []string{"breakout", "port_forwards", "prefix_maps"} {
			delete(values, name) // IPv4 only, and no two may say the same
		}
	case "firewallPolicy":
		rules, _ := values["rules"].([]any)
		for i, rule := range rules {
			r := rule.(map[string]any)
			for _, name := range []string{"to_segment", "source_cidrs", "destination_cidrs", "ports"} {
				delete(r, name)
			}
			r["scope"], r["protocol"] = "WITHIN", 50+i // no two about the same packets
		}
	case "model":
		delete(values, "live_version") // only one of its own
	case "modelVersion":
		if values["stage"] == "CANARY" || values["stage"] == "LIVE" {
			values["stage"] = "SHADOW" // the others need its bytes
		}
	case "link":
		values["edge"] = g.pool["edge"][0]
	case "role":
		values["permissions"] = []any{"sites.get", "links.*"}[:1+g.IntN(2)]
	case "roleBinding", "clusterRoleBinding":
		values["role"] = []any{"roles/viewer", "roles/operator"}[g.IntN(2)]
		values["members"] = []any{g.org + "/serviceAccounts/ci", fmt.Sprintf("%s/identityProviders/okta/users/u%d", g.org, g.unique())}
	case "identityProvider":
		values["issuer"] = fmt.Sprintf("https://id%d.example.net/", g.unique())
		if _, given := values["jwks_uri"]; given {
			values["jwks_uri"] = "https://id.example.net/keys"
		}
		for _, claim := range []string{"subject_claim", "groups_claim"} {
			if _, given := values[claim]; given {
				values[claim] = "email"
			}
		}
	case "deniedIdentity":
		values["identity"] = fmt.Sprintf("%s/identityProviders/okta/users/u%d", g.org, g.unique())
	case "enrollmentToken":
		values["role"] = "standby"
		delete(values, "edge")
		values["expire_time"] = time.Now().Add(20 * time.Hour).UTC().Format("2006-01-02T15:04:05Z")
	}
}

func (g *generator) mendMatches(values map[string]any) {
	for _, match := range values["matches"].([]any) {
		m := match.(map[string]any)
		if ports, _ := m["ports"].([]any); len(ports) > 0 {
			m["protocol"] = 17
			for i := range ports {
				first := g.IntN(60000)
				ports[i] = map[string]any{"first": first, "last": first + g.IntN(5000)}
			}
		}
		if signatures, _ := m["signatures"].([]any); len(signatures) > 0 {
			m["signatures"] = []any{"ssh", "youtube"}[:1+g.IntN(2)] // of a list that the schema does not have
		}
		m["dscps"] = []any{g.IntN(64)}
	}
}

// mendRule leaves out what the rule's preference has no use for, and makes the times of day what they are: text to the
// schema, HH:MM to the policies.
func mendRule(rule map[string]any) {
	if rule["preference"] == "DENY" {
		for _, name := range []string{"transports", "underlays", "sla_profile", "move_mode", "constraints"} {
			delete(rule, name)
		}
	}
	if rule["preference"] != "PREFER" && rule["preference"] != "REQUIRE" {
		delete(rule, "fallbacks")
	}
	fallbacks, _ := rule["fallbacks"].([]any)
	for _, fallback := range fallbacks {
		fallback.(map[string]any)["transports"] = []any{"LTE"}
	}
	windows, _ := rule["windows"].([]any)
	for _, window := range windows {
		w := window.(map[string]any)
		for name, value := range map[string]string{"start": "08:30", "end": "24:00"} {
			if _, given := w[name]; given {
				w[name] = value
			}
		}
	}
}

// mendClasses makes one entry a class, together less than everything, each with a code point of its own at most.
func (g *generator) mendClasses(values map[string]any) {
	names := []string{"REALTIME", "INTERACTIVE", "STREAMING", "STANDARD", "BULK"}
	classes, _ := values["classes"].([]any)
	for i, class := range classes {
		c := class.(map[string]any)
		c["traffic_class"] = names[i]
		c["percent"] = 1 + g.IntN(19)
		if _, given := c["dscps"]; given {
			c["dscps"] = []any{1 + 2*i}
		}
	}
}

func pbName(name string) protoreflect.Name { return protoreflect.Name(name) }

func stringKey(text string) protoreflect.MapKey { return protoreflect.ValueOfString(text).MapKey() }

func stringValue(text string) protoreflect.Value { return protoreflect.ValueOfString(text) }
