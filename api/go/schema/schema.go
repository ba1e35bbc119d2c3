// Package schema is what api/patronus/v1/*.proto say, as data: kinds of resources, the rules of their fields, comments.
//
// It reads a serialised FileDescriptorSet with source info, by default the one that is embedded here. Everything that is
// generic (this SDK's calls, the Terraform provider) works from it and knows no kind by name.
package schema

import (
	_ "embed"
	"fmt"
	"sort"
	"strings"
	"sync"

	pb "github.com/patronus-sdwan/patronus/api/go/patronus/v1"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protodesc"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"
	"google.golang.org/protobuf/types/descriptorpb"
	"google.golang.org/protobuf/types/dynamicpb"
)

//go:embed patronus.desc
var embedded []byte

// Defaults of options.proto, where a rule is zero.
const (
	MaxSizeDefault      = 1024
	MaxItemsDefault     = 64
	MaxPerParentDefault = 10000
)

// Schema is a descriptor set, read. It never changes and may be shared.
type Schema struct {
	files  *protoregistry.Files
	types  *dynamicpb.Types
	kinds  []*Kind
	byName map[string]*Kind
}

// Kind is a kind of resource with its standard methods; a view has Get and List only.
type Kind struct {
	Message  protoreflect.MessageDescriptor
	Singular string // "steeringPolicy"
	Plural   string // "steeringPolicies"
	Parent   *Kind  // nil at the top level
	View     bool   // computed, never stored
	Unstaged bool   // a change set never holds it: see [Kind.Staged]
	ID       uint32
	Pattern  string // "organizations/{organization}/sites/{site}"

	MaxPerParent                      uint32
	Create, Get, List, Update, Delete protoreflect.MethodDescriptor // nil where there is none
}

var defaultSchema = sync.OnceValue(func() *Schema {
	s, err := Load(embedded)
	if err != nil {
		panic("the embedded descriptor set is broken: " + err.Error())
	}
	return s
})

// Default is the schema that this version of the SDK was made from.
func Default() *Schema { return defaultSchema() }

// Load reads a serialised FileDescriptorSet that holds its imports.
func Load(set []byte) (*Schema, error) {
	var parsed descriptorpb.FileDescriptorSet
	if err := proto.Unmarshal(set, &parsed); err != nil {
		return nil, fmt.Errorf("not a descriptor set: %w", err)
	}
	files, err := protodesc.NewFiles(&parsed)
	if err != nil {
		return nil, fmt.Errorf("a descriptor set that does not hold together: %w", err)
	}
	s := &Schema{files: files, types: dynamicpb.NewTypes(files), byName: map[string]*Kind{}}
	files.RangeFiles(func(file protoreflect.FileDescriptor) bool {
		messages := file.Messages()
		for i := 0; i < messages.Len(); i++ {
			if rules := resourceRules(messages.Get(i)); rules != nil {
				s.add(messages.Get(i), rules)
			}
		}
		return true
	})
	sort.Slice(s.kinds, func(i, j int) bool { return s.kinds[i].ID < s.kinds[j].ID })
	if err := s.link(); err != nil {
		return nil, err
	}
	files.RangeFiles(func(file protoreflect.FileDescriptor) bool {
		for i := 0; i < file.Services().Len(); i++ {
			s.addMethods(file.Services().Get(i))
		}
		return true
	})
	return s, nil
}

func resourceRules(message protoreflect.MessageDescriptor) *pb.ResourceRules {
	rules, _ := proto.GetExtension(message.Options(), pb.E_Resource).(*pb.ResourceRules)
	return rules
}

func (s *Schema) add(message protoreflect.MessageDescriptor, rules *pb.ResourceRules) {
	kind := &Kind{
		Message: message, Singular: rules.Singular, Plural: rules.Plural, View: rules.View, Unstaged: rules.Unstaged,
		ID: rules.KindId, MaxPerParent: rules.MaxPerParent,
	}
	if kind.MaxPerParent == 0 {
		kind.MaxPerParent = MaxPerParentDefault
	}
	s.kinds = append(s.kinds, kind)
	names := append([]string{rules.Singular, rules.Plural, string(message.FullName()), string(message.Name())}, rules.ShortNames...)
	for _, name := range names {
		s.byName[name] = kind
	}
}

// link finds each kind's parent; then the patterns of names follow.
func (s *Schema) link() error {
	for _, kind := range s.kinds {
		parent := resourceRules(kind.Message).Parent
		if parent == "" {
			continue
		}
		if kind.Parent = s.byName[parent]; kind.Parent == nil {
			return fmt.Errorf("kind %s has the unknown parent %s", kind.Singular, parent)
		}
	}
	for _, kind := range s.kinds {
		for k, depth := kind, 0; k != nil; k, depth = k.Parent, depth+1 {
			if depth > len(s.kinds) {
				return fmt.Errorf("kind %s is its own ancestor", kind.Singular)
			}
			segment := k.Plural + "/{" + Snake(k.Singular) + "}"
			if kind.Pattern == "" {
				kind.Pattern = segment
			} else {
				kind.Pattern = segment + "/" + kind.Pattern
			}
		}
	}
	return nil
}

// addMethods recognises the standard methods by what they take and give, as the server does.
func (s *Schema) addMethods(service protoreflect.ServiceDescriptor) {
	for i := 0; i < service.Methods().Len(); i++ {
		method := service.Methods().Get(i)
		name := string(method.Name())
		if body := method.Input().Fields(); strings.HasPrefix(name, "List") {
			for j := 0; j < method.Output().Fields().Len(); j++ {
				field := method.Output().Fields().Get(j)
				if field.IsList() && field.Message() != nil {
					if kind := s.byName[string(field.Message().FullName())]; kind != nil && body.ByName("page_token") != nil {
						kind.List = method
					}
				}
			}
			continue
		}
		for verb, place := range map[string]func(*Kind) *protoreflect.MethodDescriptor{
			"Create": func(k *Kind) *protoreflect.MethodDescriptor { return &k.Create },
			"Get":    func(k *Kind) *protoreflect.MethodDescriptor { return &k.Get },
			"Update": func(k *Kind) *protoreflect.MethodDescriptor { return &k.Update },
			"Delete": func(k *Kind) *protoreflect.MethodDescriptor { return &k.Delete },
		} {
			kind := s.byName[strings.TrimPrefix(name, verb)]
			if kind != nil && name == verb+string(kind.Message.Name()) {
				*place(kind) = method
			}
		}
	}
}

// Staged says whether change sets hold this kind: one below an organization, stored, without secrets, and not unstaged.
func (k *Kind) Staged() bool {
	if k.View || k.Unstaged || k.Parent == nil || k.Chain()[0].Singular != "organization" {
		return false
	}
	fields := k.Message.Fields()
	for i := 0; i < fields.Len(); i++ {
		if Rules(fields.Get(i)).Secret {
			return false
		}
	}
	return true
}

// Reads says of a method, by its name, that it changes nothing: it may be called again whatever became of the first call.
func Reads(method string) bool {
	for _, prefix := range []string{"Get", "List", "Read", "Plan", "Watch", "Check", "Test", "Explain", "WhatIf"} {
		if strings.HasPrefix(method, prefix) {
			return true
		}
	}
	return false
}

// Kinds in ascending order of their ids.
func (s *Schema) Kinds() []*Kind { return s.kinds }

// Kind by singular, plural, short name, message name or full message name; nil when there is none.
func (s *Schema) Kind(name string) *Kind { return s.byName[name] }

// Types makes dynamic messages of this schema, and resolves google.protobuf.Any.
func (s *Schema) Types() *dynamicpb.Types { return s.types }

// Files are the descriptors themselves.
func (s *Schema) Files() *protoregistry.Files { return s.files }

// Services in order of name: those of patronus.v1.
func (s *Schema) Services() []protoreflect.ServiceDescriptor {
	var all []protoreflect.ServiceDescriptor
	s.files.RangeFiles(func(file protoreflect.FileDescriptor) bool {
		for i := 0; i < file.Services().Len(); i++ {
			all = append(all, file.Services().Get(i))
		}
		return true
	})
	sort.Slice(all, func(i, j int) bool { return all[i].FullName() < all[j].FullName() })
	return all
}

// Rules of a field with the defaults of options.proto filled in. Never nil.
func Rules(field protoreflect.FieldDescriptor) *pb.FieldRules {
	rules, _ := proto.GetExtension(field.Options(), pb.E_FieldRules).(*pb.FieldRules)
	if rules == nil {
		rules = &pb.FieldRules{}
	} else {
		rules = proto.Clone(rules).(*pb.FieldRules)
	}
	if rules.MaxSize == 0 {
		rules.MaxSize = MaxSizeDefault
	}
	if rules.MaxItems == 0 {
		rules.MaxItems = MaxItemsDefault
	}
	return rules
}

// Access of a method that is not a standard one; nil when it states none.
func Access(method protoreflect.MethodDescriptor) *pb.MethodRules {
	rules, _ := proto.GetExtension(method.Options(), pb.E_Access).(*pb.MethodRules)
	return rules
}

// Comment before a declaration, one line a paragraph.
func Comment(descriptor protoreflect.Descriptor) string {
	text := descriptor.ParentFile().SourceLocations().ByDescriptor(descriptor).LeadingComments
	var paragraphs []string
	for _, paragraph := range strings.Split(text, "\n\n") {
		if joined := strings.Join(strings.Fields(paragraph), " "); joined != "" {
			paragraphs = append(paragraphs, joined)
		}
	}
	return strings.Join(paragraphs, "\n")
}

// Snake turns lowerCamelCase into snake_case.
func Snake(camel string) string {
	var out strings.Builder
	for i, r := range camel {
		if r >= 'A' && r <= 'Z' {
			if i > 0 {
				out.WriteByte('_')
			}
			r += 'a' - 'A'
		}
		out.WriteRune(r)
	}
	return out.String()
}
