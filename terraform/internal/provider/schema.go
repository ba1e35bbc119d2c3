package provider

import (
	"fmt"
	"math/big"
	"strings"

	"github.com/hashicorp/terraform-plugin-framework/attr"
	datasource "github.com/hashicorp/terraform-plugin-framework/datasource/schema"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/booldefault"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/float64default"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/listdefault"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/mapdefault"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/numberdefault"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/setdefault"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/stringdefault"
	"github.com/hashicorp/terraform-plugin-framework/types"
	pb "github.com/patronus-sdwan/patronus/api/go/patronus/v1"
	patronusschema "github.com/patronus-sdwan/patronus/api/go/schema"
)

// describe is the field's comment and its rules, for schema and docs.
func describe(f *field) string {
	text := patronusschema.Comment(f.desc)
	var notes []string
	note := func(format string, args ...any) { notes = append(notes, fmt.Sprintf(format, args...)) }
	if f.rules.Immutable && f.name != "name" {
		note("cannot change: another value replaces the resource")
	}
	if f.rules.Reference != "" {
		note("name of a %s", f.rules.Reference)
	}
	if f.shape == shapeEnum {
		note("one of %s", strings.Join(f.enumNames(), ", "))
	}
	if f.rules.HasRange {
		note("%d to %d%s", f.rules.Min, f.rules.Max, unit(f))
	} else if f.rules.Unit != "" {
		note("in %s", f.rules.Unit)
	}
	switch f.rules.Format {
	case pb.Format_FORMAT_UNSPECIFIED:
	default:
		note("%s", formatNames[f.rules.Format])
	}
	if f.user() && (f.shape == shapeText || f.shape == shapeBytes) && f.rules.Reference == "" && f.rules.Format == pb.Format_FORMAT_UNSPECIFIED {
		note("at most %d bytes", f.rules.MaxSize)
	}
	if f.user() && f.in != single {
		note("at most %d", f.rules.MaxItems)
	}
	switch f.shape {
	case shapeTimestamp:
		note("RFC 3339 in UTC, for example 2026-01-02T03:04:05Z")
	case shapeDuration:
		note("in seconds, for example 1.500s")
	case shapeBytes:
		note("base64")
	}
	if len(notes) > 0 {
		text = strings.TrimSpace(text + " (" + strings.Join(notes, "; ") + ")")
	}
	return text
}

var formatNames = map[pb.Format]string{
	pb.Format_ID: "1 to 63 of a-z, 0-9 and '-', beginning with a letter", pb.Format_IP: "an IP address",
	pb.Format_IP_PREFIX: "an IP prefix without host bits", pb.Format_IP_INTERFACE: "address/length",
	pb.Format_HOST_PORT: "host:port", pb.Format_FQDN: "a DNS name", pb.Format_IFNAME: "name of a network interface",
	pb.Format_SHA256_HEX: "64 hexadecimal digits",
}

func unit(f *field) string {
	if f.rules.Unit == "" {
		return ""
	}
	return " " + f.rules.Unit
}

// ---- resources ------------------------------------------------------------------------------------------------------

func resourceAttributes(fields []*field) map[string]schema.Attribute {
	all := map[string]schema.Attribute{}
	for _, f := range fields {
		all[f.name] = resourceAttribute(f)
		if f.rules.Secret && f.in == single && f.shape == shapeText {
			addWriteOnly(all, f)
		}
	}
	return all
}

// addWriteOnly gives a secret a twin that never reaches the state, for clients that know such attributes (Terraform 1.11).
func addWriteOnly(all map[string]schema.Attribute, f *field) {
	all[f.name+"_wo"] = schema.StringAttribute{Optional: true, WriteOnly: true, Sensitive: true,
		MarkdownDescription: fmt.Sprintf("As `%s`, but never kept in the state. Needs Terraform 1.11. Change `%s_wo_version` to send it again.", f.name, f.name)}
	all[f.name+"_wo_version"] = schema.Int64Attribute{Optional: true,
		MarkdownDescription: fmt.Sprintf("Any number; another one sends `%s_wo` again.", f.name)}
}

// mode is what Terraform has to know about who sets an attribute.
type mode struct{ required, optional, computed bool }

func modeOf(f *field) mode {
	switch {
	case !f.user():
		return mode{computed: true}
	case f.rules.Secret:
		return mode{optional: true} // it may come by its write-only twin
	case f.rules.Required:
		return mode{required: true}
	}
	return mode{optional: true, computed: f.defaulted()}
}

func resourceAttribute(f *field) schema.Attribute {
	m, text := modeOf(f), describe(f)
	if f.in != single {
		return resourceCollection(f, m, text)
	}
	sensitive := f.rules.Secret
	switch f.shape {
	case shapeBool:
		a := schema.BoolAttribute{Required: m.required, Optional: m.optional, Computed: m.computed, Sensitive: sensitive, MarkdownDescription: text}
		if f.defaulted() {
			a.Default = booldefault.StaticBool(false)
		}
		return a
	case shapeInt:
		a := schema.NumberAttribute{Required: m.required, Optional: m.optional, Computed: m.computed, Sensitive: sensitive, MarkdownDescription: text}
		if f.defaulted() {
			a.Default = numberdefault.StaticBigFloat(new(big.Float))
		}
		return a
	case shapeFloat:
		a := schema.Float64Attribute{Required: m.required, Optional: m.optional, Computed: m.computed, Sensitive: sensitive, MarkdownDescription: text}
		if f.defaulted() {
			a.Default = float64default.StaticFloat64(0)
		}
		return a
	case shapeObject:
		return schema.SingleNestedAttribute{Required: m.required, Optional: m.optional, Computed: m.computed, MarkdownDescription: text,
			Attributes: resourceAttributes(f.children)}
	}
	a := schema.StringAttribute{Required: m.required, Optional: m.optional, Computed: m.computed, Sensitive: sensitive, MarkdownDescription: text}
	if f.defaulted() && !f.rules.Secret {
		a.Default = stringdefault.StaticString("")
	}
	if f.rules.Secret {
		a.Computed = false
	}
	return a
}

func resourceCollection(f *field, m mode, text string) schema.Attribute {
	element := f.elementType()
	nested := schema.NestedAttributeObject{}
	if f.shape == shapeObject {
		nested.Attributes = resourceAttributes(f.children)
	}
	var noList = listdefault.StaticValue(types.ListValueMust(element, []attr.Value{}))
	var noSet = setdefault.StaticValue(types.SetValueMust(element, []attr.Value{}))
	var noMap = mapdefault.StaticValue(types.MapValueMust(element, map[string]attr.Value{}))
	if !f.defaulted() {
		noList, noSet, noMap = nil, nil, nil
	}
	object := f.shape == shapeObject
	switch {
	case f.in == list && object:
		return schema.ListNestedAttribute{Required: m.required, Optional: m.optional, Computed: m.computed, Sensitive: f.rules.Secret, MarkdownDescription: text, NestedObject: nested, Default: noList}
	case f.in == list:
		return schema.ListAttribute{Required: m.required, Optional: m.optional, Computed: m.computed, Sensitive: f.rules.Secret, MarkdownDescription: text, ElementType: element, Default: noList}
	case f.in == set && object:
		return schema.SetNestedAttribute{Required: m.required, Optional: m.optional, Computed: m.computed, Sensitive: f.rules.Secret, MarkdownDescription: text, NestedObject: nested, Default: noSet}
	case f.in == set:
		return schema.SetAttribute{Required: m.required, Optional: m.optional, Computed: m.computed, Sensitive: f.rules.Secret, MarkdownDescription: text, ElementType: element, Default: noSet}
	case object:
		return schema.MapNestedAttribute{Required: m.required, Optional: m.optional, Computed: m.computed, Sensitive: f.rules.Secret, MarkdownDescription: text, NestedObject: nested, Default: noMap}
	}
	return schema.MapAttribute{Required: m.required, Optional: m.optional, Computed: m.computed, Sensitive: f.rules.Secret, MarkdownDescription: text, ElementType: element, Default: noMap}
}

// ---- data sources: everything computed ------------------------------------------------------------------------------

func dataAttributes(fields []*field) map[string]datasource.Attribute {
	all := map[string]datasource.Attribute{}
	for _, f := range fields {
		all[f.name] = dataAttribute(f)
	}
	return all
}

func dataAttribute(f *field) datasource.Attribute {
	text, object, element := describe(f), f.shape == shapeObject, f.elementType()
	nested := datasource.NestedAttributeObject{}
	if object {
		nested.Attributes = dataAttributes(f.children)
	}
	switch {
	case f.in == list && object:
		return datasource.ListNestedAttribute{Computed: true, MarkdownDescription: text, NestedObject: nested}
	case f.in == list:
		return datasource.ListAttribute{Computed: true, MarkdownDescription: text, ElementType: element}
	case f.in == set && object:
		return datasource.SetNestedAttribute{Computed: true, MarkdownDescription: text, NestedObject: nested}
	case f.in == set:
		return datasource.SetAttribute{Computed: true, MarkdownDescription: text, ElementType: element}
	case f.in == mapped && object:
		return datasource.MapNestedAttribute{Computed: true, MarkdownDescription: text, NestedObject: nested}
	case f.in == mapped:
		return datasource.MapAttribute{Computed: true, MarkdownDescription: text, ElementType: element}
	}
	switch f.shape {
	case shapeBool:
		return datasource.BoolAttribute{Computed: true, MarkdownDescription: text}
	case shapeInt:
		return datasource.NumberAttribute{Computed: true, MarkdownDescription: text}
	case shapeFloat:
		return datasource.Float64Attribute{Computed: true, MarkdownDescription: text}
	case shapeObject:
		return datasource.SingleNestedAttribute{Computed: true, MarkdownDescription: text, Attributes: nested.Attributes}
	}
	return datasource.StringAttribute{Computed: true, MarkdownDescription: text}
}
