package main

import (
	"slices"

	"github.com/patronus-sdwan/patronus/api/go/schema"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protodesc"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/descriptorpb"
)

// without is the schema as it was before a field was added.
func without(message protoreflect.FullName, field string) (*schema.Schema, error) {
	set := &descriptorpb.FileDescriptorSet{}
	schema.Default().Files().RangeFiles(func(file protoreflect.FileDescriptor) bool {
		out := protodesc.ToFileDescriptorProto(file)
		for _, m := range out.MessageType {
			if file.Package().Append(protoreflect.Name(m.GetName())) == message {
				m.Field = slices.DeleteFunc(m.Field, func(f *descriptorpb.FieldDescriptorProto) bool { return f.GetName() == field })
			}
		}
		set.File = append(set.File, out)
		return true
	})
	text, err := proto.Marshal(set)
	if err != nil {
		return nil, err
	}
	return schema.Load(text)
}
