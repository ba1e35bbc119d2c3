package provider

import (
	"strings"

	"github.com/hashicorp/terraform-plugin-framework/attr"
	"github.com/hashicorp/terraform-plugin-framework/types"
	pb "github.com/patronus-sdwan/patronus/api/go/patronus/v1"
	"github.com/patronus-sdwan/patronus/api/go/schema"
	"google.golang.org/protobuf/reflect/protoreflect"
)

// shape is what one value of a field looks like in Terraform.
type shape int

const (
	shapeText shape = iota
	shapeBool
	shapeInt
	shapeFloat
	shapeEnum      // the value's name; the first value, "not given", is null
	shapeBytes     // base64
	shapeTimestamp // RFC 3339
	shapeDuration  // "1.5s"
	shapeObject
)

type container int

const (
	single container = iota
	list
	set
	mapped
)

// field is a field of a message as an attribute. Everything that the provider does with values is a walk over fields.
//
// Which values stand in the state follows from proto3's presence, so that reading back always gives what was written: a
// field without presence has a default (the zero value, an empty collection) and is never null; one with presence is
// null when it is absent.
type field struct {
	desc     protoreflect.FieldDescriptor // of a map: the map field
	value    protoreflect.FieldDescriptor // what one value is: of a map the entry's value
	name     string
	rules    *pb.FieldRules
	shape    shape
	in       container
	children []*field // of an object, without output fields unless all are wanted
	presence bool     // a single value that can be absent
}

// fieldsOf lists the fields of a message. Of a kind, `outputs` chooses which output fields are taken.
func fieldsOf(message protoreflect.MessageDescriptor, wanted func(*pb.FieldRules) bool) []*field {
	var all []*field
	for i := 0; i < message.Fields().Len(); i++ {
		desc := message.Fields().Get(i)
		if rules := schema.Rules(desc); wanted(rules) {
			all = append(all, newField(desc, rules, wanted))
		}
	}
	return all
}

// reserved by Terraform at the top of a resource.
var reserved = map[string]bool{"connection": true, "count": true, "depends_on": true, "for_each": true, "lifecycle": true,
	"provider": true, "provisioner": true}

// AttributeName of a field of a kind: its own, or with the kind's before it where Terraform wants the name for itself
// (link_provider).
func AttributeName(kind *schema.Kind, name string) string {
	if reserved[name] {
		return resourceName(kind) + "_" + name
	}
	return name
}

// kindFields are the fields of a kind as top-level attributes.
func kindFields(kind *schema.Kind, wanted func(*pb.FieldRules) bool) []*field {
	fields := fieldsOf(kind.Message, wanted)
	for _, f := range fields {
		f.name = AttributeName(kind, f.name)
	}
	return fields
}

func newField(desc protoreflect.FieldDescriptor, rules *pb.FieldRules, wanted func(*pb.FieldRules) bool) *field {
	f := &field{desc: desc, value: desc, name: string(desc.Name()), rules: rules}
	switch {
	case desc.IsMap():
		f.in, f.value = mapped, desc.MapValue()
	case desc.IsList() && rules.Set:
		f.in = set
	case desc.IsList():
		f.in = list
	}
	f.shape = shapeOf(f.value)
	f.presence = f.in == single && (desc.HasPresence() || f.shape == shapeEnum)
	if f.shape == shapeObject {
		f.children = fieldsOf(f.value.Message(), func(r *pb.FieldRules) bool {
			// Within what the user writes, output fields would be neither his nor ours to compare.
			return r.Output == pb.Output_OUTPUT_UNSPECIFIED || rules.Output != pb.Output_OUTPUT_UNSPECIFIED
		})
	}
	return f
}

func shapeOf(desc protoreflect.FieldDescriptor) shape {
	switch desc.Kind() {
	case protoreflect.BoolKind:
		return shapeBool
	case protoreflect.FloatKind, protoreflect.DoubleKind:
		return shapeFloat
	case protoreflect.EnumKind:
		return shapeEnum
	case protoreflect.StringKind:
		return shapeText
	case protoreflect.BytesKind:
		return shapeBytes
	case protoreflect.MessageKind, protoreflect.GroupKind:
		switch desc.Message().FullName() {
		case "google.protobuf.Timestamp":
			return shapeTimestamp
		case "google.protobuf.Duration":
			return shapeDuration
		}
		return shapeObject
	default:
		return shapeInt
	}
}

// user says whether the user sets the field.
func (f *field) user() bool { return f.rules.Output == pb.Output_OUTPUT_UNSPECIFIED }

// defaulted says whether an absent value is a default rather than null.
func (f *field) defaulted() bool { return f.user() && !f.rules.Required && !f.presence }

// elementType of one value.
func (f *field) elementType() attr.Type {
	switch f.shape {
	case shapeBool:
		return types.BoolType
	case shapeInt:
		return types.NumberType
	case shapeFloat:
		return types.Float64Type
	case shapeObject:
		return types.ObjectType{AttrTypes: attrTypes(f.children)}
	default:
		return types.StringType
	}
}

// attrType of the whole attribute.
func (f *field) attrType() attr.Type {
	switch f.in {
	case list:
		return types.ListType{ElemType: f.elementType()}
	case set:
		return types.SetType{ElemType: f.elementType()}
	case mapped:
		return types.MapType{ElemType: f.elementType()}
	default:
		return f.elementType()
	}
}

func attrTypes(fields []*field) map[string]attr.Type {
	all := map[string]attr.Type{}
	for _, f := range fields {
		all[f.name] = f.attrType()
	}
	return all
}

// enumNames that a user may write: all but the first, which says "not given".
func (f *field) enumNames() []string {
	var names []string
	for i := 0; i < f.value.Enum().Values().Len(); i++ {
		if value := f.value.Enum().Values().Get(i); value.Number() != 0 {
			names = append(names, string(value.Name()))
		}
	}
	return names
}

// resourceName is the kind as a resource and data source: patronus_steering_policy.
func resourceName(kind *schema.Kind) string { return schema.Snake(kind.Singular) }

// listName is the data source of many: patronus_steering_policies. A plural that is said relative to its parent
// ("versions" of a modelVersion) is completed from the singular.
func listName(kind *schema.Kind) string {
	if whole := kind.Singular + "s"; strings.HasSuffix(strings.ToLower(whole), strings.ToLower(kind.Plural)) {
		return schema.Snake(whole)
	}
	return schema.Snake(kind.Plural)
}

// ListName is listName with the provider's prefix.
func ListName(kind *schema.Kind) string { return "patronus_" + listName(kind) }
