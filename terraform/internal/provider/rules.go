package provider

import (
	"encoding/base64"
	"fmt"
	"math/big"
	"net/netip"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-go/tftypes"
	patronus "github.com/patronus-sdwan/patronus/api/go"
	pb "github.com/patronus-sdwan/patronus/api/go/patronus/v1"
	"github.com/patronus-sdwan/patronus/api/go/schema"
	"google.golang.org/grpc/codes"
)

// checker holds a configuration against the rules of the .proto, before anything is sent. What is not known yet passes:
// it is checked again when it is, and by the server in any case. It never refuses what the server takes.
type checker struct {
	schema *schema.Schema
	diags  diag.Diagnostics
}

func (c *checker) refuse(at path.Path, format string, args ...any) {
	c.because(at, patronus.ReasonFieldInvalid, format, args...)
}

// because refuses with the reason that the server would give.
func (c *checker) because(at path.Path, reason patronus.Reason, format string, args ...any) {
	c.diags.AddAttributeError(at, "Invalid value", fmt.Sprintf(format, args...)+"\n\n("+codes.InvalidArgument.String()+", "+string(reason)+")")
}

func (c *checker) required(f *field, at path.Path) {
	c.because(at, patronus.ReasonFieldRequired, "is required and cannot be empty: %s", schema.Comment(f.desc))
}

func (c *checker) object(fields []*field, values map[string]tftypes.Value, at func(string) path.Path) {
	members := map[string]string{} // oneof -> the member that is given
	for _, f := range fields {
		value, ok := values[f.name]
		if !ok || !f.user() {
			continue
		}
		if oneof := f.desc.ContainingOneof(); oneof != nil && !oneof.IsSynthetic() && !value.IsNull() {
			if other, given := members[string(oneof.Name())]; given {
				c.refuse(at(f.name), "%s and %s exclude each other; give one of them", other, f.name)
			}
			members[string(oneof.Name())] = f.name
		}
		c.attribute(f, value, at(f.name))
	}
}

func (c *checker) attribute(f *field, value tftypes.Value, at path.Path) {
	if !value.IsKnown() || value.IsNull() {
		return
	}
	switch f.in {
	case list, set:
		elements := elementsOf(value)
		if c.count(f, len(elements), at); f.rules.Required && len(elements) == 0 {
			c.required(f, at)
		}
		for i, element := range elements {
			place := at
			if f.in == list {
				place = at.AtListIndex(i)
			}
			c.one(f, element, place)
		}
	case mapped:
		var elements map[string]tftypes.Value
		_ = value.As(&elements)
		if c.count(f, len(elements), at); f.rules.Required && len(elements) == 0 {
			c.required(f, at)
		}
		for _, key := range sortedKeys(elements) {
			if key == "" {
				c.refuse(at, "a key is empty; write a name")
			}
			c.size(f, key, at.AtMapKey(key))
			c.one(f, elements[key], at.AtMapKey(key))
		}
	default:
		c.one(f, value, at)
	}
}

func (c *checker) count(f *field, count int, at path.Path) {
	if count > int(f.rules.MaxItems) {
		c.refuse(at, "has %d elements; at most %d are allowed", count, f.rules.MaxItems)
	}
}

func (c *checker) size(f *field, text string, at path.Path) {
	switch {
	case !utf8.ValidString(text) || strings.ContainsRune(text, 0):
		c.refuse(at, "is not UTF-8 text without NUL")
	case len(text) > int(f.rules.MaxSize):
		c.refuse(at, "is %d bytes long; at most %d are allowed", len(text), f.rules.MaxSize)
	}
}

func (c *checker) one(f *field, value tftypes.Value, at path.Path) {
	if !value.IsKnown() {
		return
	}
	if value.IsNull() {
		c.refuse(at, "an element is null; leave it out")
		return
	}
	switch f.shape {
	case shapeBool:
		return
	case shapeInt, shapeFloat:
		number := new(big.Float)
		_ = value.As(&number)
		c.number(f, number, at)
		return
	case shapeObject:
		var children map[string]tftypes.Value
		_ = value.As(&children)
		c.object(f.children, children, func(name string) path.Path { return at.AtName(name) })
		return
	}
	var text string
	_ = value.As(&text)
	c.text(f, text, at)
}

func (c *checker) number(f *field, number *big.Float, at path.Path) {
	if _, err := number64(f.value, number); err != nil {
		c.refuse(at, "%s", err)
		return
	}
	if f.rules.Required && number.Sign() == 0 && f.in == single && !f.presence {
		c.required(f, at)
	}
	if !f.rules.HasRange {
		return
	}
	if low, high := big.NewFloat(0).SetInt64(f.rules.Min), big.NewFloat(0).SetInt64(f.rules.Max); number.Cmp(low) < 0 || number.Cmp(high) > 0 {
		c.refuse(at, "%s is out of range; write %d to %d%s", number.Text('f', -1), f.rules.Min, f.rules.Max, unit(f))
	}
}

func (c *checker) text(f *field, text string, at path.Path) {
	switch f.shape {
	case shapeEnum:
		if _, ok := enumNumber(f, text); !ok {
			c.refuse(at, "'%s' is not one of %s; leave it out for none", text, strings.Join(f.enumNames(), ", "))
		}
	case shapeBytes:
		if data, err := base64.StdEncoding.DecodeString(text); err != nil || base64.StdEncoding.EncodeToString(data) != text {
			c.refuse(at, "is not base64 with padding")
		} else if len(data) > int(f.rules.MaxSize) {
			c.refuse(at, "is %d bytes long; at most %d are allowed", len(data), f.rules.MaxSize)
		}
	case shapeTimestamp:
		if t, err := time.Parse(time.RFC3339Nano, text); err != nil {
			c.refuse(at, "'%s' is not a time; write RFC 3339 in UTC, for example 2026-01-02T03:04:05Z", text)
		} else if canonical := timestampText(t); canonical != text {
			c.refuse(at, "'%s' is not in canonical form; write %s", text, canonical)
		}
	case shapeDuration:
		if d, ok := parseDuration(text); !ok {
			c.refuse(at, "'%s' is not a duration; write seconds, for example 1.500s", text)
		} else if canonical := durationText(d); canonical != text {
			c.refuse(at, "'%s' is not in canonical form; write %s", text, canonical)
		}
	default:
		c.plain(f, text, at)
	}
}

func (c *checker) plain(f *field, text string, at path.Path) {
	if c.size(f, text, at); text == "" && f.in == single {
		if f.rules.Required {
			c.required(f, at)
		}
		return
	}
	if f.rules.Reference != "" {
		if kind := c.schema.Kind(f.rules.Reference); kind != nil {
			if _, err := kind.IDs(text); err != nil {
				c.because(at, patronus.ReasonNameInvalid, "%s", err)
			}
		}
		return
	}
	if wrong := formatError(f.rules.Format, text); wrong != "" {
		c.refuse(at, "'%s' %s", text, wrong)
	}
}

// ---- formats --------------------------------------------------------------------------------------------------------

// formatError is what is wrong with a text, or "".
func formatError(format pb.Format, text string) string {
	switch format {
	case pb.Format_ID:
		if !schema.ValidID(text) {
			return "is not an id; write 1 to 63 of a-z, 0-9 and '-', beginning with a letter and not ending with '-'"
		}
	case pb.Format_IP:
		ip, err := netip.ParseAddr(text)
		if err != nil || ip.Zone() != "" {
			return "is not an IP address; write for example 192.0.2.1 or 2001:db8::1"
		}
		return canonical(text, ip.String(), ip)
	case pb.Format_IP_PREFIX, pb.Format_IP_INTERFACE:
		prefix, err := netip.ParsePrefix(text)
		if err != nil {
			return "is not an address with a length; write for example 192.0.2.0/24 or 2001:db8::/32"
		}
		if format == pb.Format_IP_PREFIX && prefix.Masked() != prefix {
			return "has bits set behind the prefix length; write " + prefix.Masked().String()
		}
		return canonical(text, prefix.String(), prefix.Addr())
	case pb.Format_HOST_PORT:
		if !hostPort(text) {
			return "is not a host with a port; write for example 192.0.2.1:7400, [2001:db8::1]:7400 or ctl.example.net:7400"
		}
	case pb.Format_FQDN:
		if !dnsName(strings.TrimPrefix(text, "*.")) {
			return "is not a DNS name; write for example www.example.net or *.example.net"
		}
	case pb.Format_IFNAME:
		if len(text) > 15 || text == "." || text == ".." || strings.ContainsFunc(text, func(r rune) bool { return r <= ' ' || r > '~' || r == '/' || r == ':' }) {
			return "is not a name of a network interface; write 1 to 15 printable characters without '/', ':' and spaces"
		}
	case pb.Format_SHA256_HEX:
		if len(text) != 64 || strings.Trim(text, "0123456789abcdef") != "" {
			return "is not a SHA-256 digest; write 64 digits of 0-9 and a-f"
		}
	}
	return ""
}

// canonical leaves IPv4-mapped addresses to the server: there are two ways to write them.
func canonical(text, want string, ip netip.Addr) string {
	if text == want || ip.Is4In6() {
		return ""
	}
	return "is not in canonical form (RFC 5952); write " + want
}

func dnsName(text string) bool {
	if len(text) < 1 || len(text) > 253 {
		return false
	}
	for _, label := range strings.Split(text, ".") {
		if len(label) < 1 || len(label) > 63 || label[0] == '-' || label[len(label)-1] == '-' ||
			strings.ContainsFunc(label, func(r rune) bool {
				return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') && r != '-' && r != '_'
			}) {
			return false
		}
	}
	return true
}

func hostPort(text string) bool {
	at := strings.LastIndexByte(text, ':')
	if at < 0 {
		return false
	}
	host, digits := text[:at], text[at+1:]
	port, err := strconv.ParseUint(digits, 10, 16)
	if err != nil || port == 0 || digits[0] == '0' {
		return false
	}
	inner, bracketed := strings.CutPrefix(host, "[")
	if bracketed {
		ip, err := netip.ParseAddr(strings.TrimSuffix(inner, "]"))
		return err == nil && ip.Is6() && strings.HasSuffix(inner, "]")
	}
	if ip, err := netip.ParseAddr(host); err == nil {
		return ip.Is4()
	}
	last := host[strings.LastIndexByte(host, '.')+1:]
	return dnsName(host) && strings.Trim(last, "0123456789") != ""
}
