package patronus

import (
	"context"
	"fmt"
	"iter"

	"github.com/patronus-sdwan/patronus/api/go/schema"
	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"
	"google.golang.org/protobuf/types/dynamicpb"
	"google.golang.org/protobuf/types/known/fieldmaskpb"
)

// Collection is all resources of one kind.
type Collection[T proto.Message] struct {
	client *Client
	kind   *schema.Kind
	types  messageTypes
}

type messageTypes interface {
	FindMessageByName(name protoreflect.FullName) (protoreflect.MessageType, error)
}

// For gives typed access to a kind: patronus.For[*pb.Site](client). It panics when T is not a kind of resource.
func For[T proto.Message](client *Client) Collection[T] {
	var none T
	kind := client.schema.Kind(string(none.ProtoReflect().Descriptor().FullName()))
	if kind == nil {
		panic(fmt.Sprintf("%s is not a kind of resource", none.ProtoReflect().Descriptor().FullName()))
	}
	return Collection[T]{client: client, kind: kind, types: protoregistry.GlobalTypes}
}

// Dynamic gives access to a kind that is known at run time only.
func (c *Client) Dynamic(kind *schema.Kind) Collection[*dynamicpb.Message] {
	return Collection[*dynamicpb.Message]{client: c, kind: kind, types: c.schema.Types()}
}

// Kind of the collection.
func (c Collection[T]) Kind() *schema.Kind { return c.kind }

// New is an empty resource.
func (c Collection[T]) New() (T, error) {
	made, err := c.make(c.kind.Message)
	if err != nil {
		var none T
		return none, err
	}
	return made.(T), nil
}

func (c Collection[T]) make(message protoreflect.MessageDescriptor) (proto.Message, error) {
	messageType, err := c.types.FindMessageByName(message.FullName())
	if err != nil {
		return nil, fmt.Errorf("the type %s is not linked into this program: %w", message.FullName(), err)
	}
	return messageType.New().Interface(), nil
}

// Option of a call; which ones a method takes stands in its request message.
type Option struct {
	field string
	value func(protoreflect.Message, protoreflect.FieldDescriptor) protoreflect.Value
}

func scalar(field string, value any) Option {
	return Option{field, func(protoreflect.Message, protoreflect.FieldDescriptor) protoreflect.Value {
		return protoreflect.ValueOf(value)
	}}
}

// ValidateOnly checks everything and changes nothing.
func ValidateOnly() Option { return scalar("validate_only", true) }

// AllowMissing lets Update create, and Delete succeed on, what does not exist.
func AllowMissing() Option { return scalar("allow_missing", true) }

// Force lets Delete delete children too.
func Force() Option { return scalar("force", true) }

// Etag makes Delete fail with [ErrEtagMismatch] when the resource has changed. For Update set it in the resource.
func Etag(etag string) Option { return scalar("etag", etag) }

// RequestID makes one's own repetition of a call safe; without it each call draws one.
func RequestID(id string) Option { return scalar("request_id", id) }

// Filter as in AIP-160: equality and AND.
func Filter(filter string) Option { return scalar("filter", filter) }

// OrderBy is a field, optionally followed by " desc".
func OrderBy(field string) Option { return scalar("order_by", field) }

// PageSize is how many resources a List fetches at a time: 1 to 1000.
func PageSize(size int) Option { return scalar("page_size", int32(size)) }

// Stale answers from the server's own state, which may be behind.
func Stale() Option { return scalar("stale", true) }

// Mask names the fields that Update changes; without it those that are set.
func Mask(paths ...string) Option {
	return Option{"update_mask", func(request protoreflect.Message, field protoreflect.FieldDescriptor) protoreflect.Value {
		mask := request.NewField(field)
		list := mask.Message().Mutable(field.Message().Fields().ByName("paths")).List()
		for _, path := range (&fieldmaskpb.FieldMask{Paths: paths}).GetPaths() {
			list.Append(protoreflect.ValueOfString(path))
		}
		return mask
	}}
}

// call builds the request of a method, by name of its fields, and performs it.
func (c Collection[T]) call(ctx context.Context, method protoreflect.MethodDescriptor, fields map[string]any, body proto.Message,
	options []Option, reply proto.Message) error {
	made, err := c.make(method.Input()) // of the same kind of types as the body
	if err != nil {
		return err
	}
	request := made.ProtoReflect()
	known := request.Descriptor().Fields()
	for name, value := range fields {
		if field := known.ByName(protoreflect.Name(name)); field != nil {
			request.Set(field, protoreflect.ValueOf(value))
		}
	}
	if body != nil {
		for i := 0; i < known.Len(); i++ {
			if field := known.Get(i); field.Message() != nil && field.Message().FullName() == c.kind.Message.FullName() {
				request.Set(field, protoreflect.ValueOfMessage(body.ProtoReflect()))
			}
		}
	}
	for _, option := range options {
		field := known.ByName(protoreflect.Name(option.field))
		if field == nil {
			return typed(&APIError{Code: codes.InvalidArgument, Method: string(method.FullName()), Field: option.field,
				Message: fmt.Sprintf("%s takes no %s", method.Name(), option.field)})
		}
		request.Set(field, option.value(request, field))
	}
	path := "/" + string(method.Parent().FullName()) + "/" + string(method.Name())
	return c.client.Invoke(ctx, path, made, reply)
}

func (c Collection[T]) resource(ctx context.Context, method protoreflect.MethodDescriptor, verb string, fields map[string]any,
	body proto.Message, options []Option) (T, error) {
	var none T
	if method == nil {
		return none, typed(&APIError{Code: codes.Unimplemented, Message: fmt.Sprintf("a %s has no %s", c.kind.Singular, verb)})
	}
	reply, err := c.make(c.kind.Message)
	if err == nil {
		err = c.call(ctx, method, fields, body, options, reply)
	}
	if err != nil {
		return none, err
	}
	return reply.(T), nil
}

// Create makes a resource under a parent ("" at the top level).
func (c Collection[T]) Create(ctx context.Context, parent, id string, resource T, options ...Option) (T, error) {
	return c.resource(ctx, c.kind.Create, "Create", map[string]any{"parent": parent, schema.Snake(c.kind.Singular) + "_id": id}, resource, options)
}

// Get reads a resource by its name.
func (c Collection[T]) Get(ctx context.Context, name string, options ...Option) (T, error) {
	return c.resource(ctx, c.kind.Get, "Get", map[string]any{"name": name}, nil, options)
}

// Update changes the fields in [Mask] of the resource with this name. When its etag is set, a concurrent change is an
// [ErrEtagMismatch].
func (c Collection[T]) Update(ctx context.Context, resource T, options ...Option) (T, error) {
	return c.resource(ctx, c.kind.Update, "Update", nil, resource, options)
}

// Delete removes a resource.
func (c Collection[T]) Delete(ctx context.Context, name string, options ...Option) error {
	if c.kind.Delete == nil {
		return typed(&APIError{Code: codes.Unimplemented, Message: fmt.Sprintf("a %s has no Delete", c.kind.Singular)})
	}
	return c.call(ctx, c.kind.Delete, map[string]any{"name": name}, nil, options, dynamicpb.NewMessage(c.kind.Delete.Output()))
}

// List reads page by page while the loop goes on. "-" for an id in parent reads across collections. An error ends it.
func (c Collection[T]) List(ctx context.Context, parent string, options ...Option) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		var none T
		for token := ""; ; {
			reply, err := c.make(c.kind.List.Output())
			if err == nil {
				err = c.call(ctx, c.kind.List, map[string]any{"parent": parent, "page_token": token}, nil, options, reply)
			}
			if err != nil {
				yield(none, err)
				return
			}
			fields := reply.ProtoReflect().Descriptor().Fields()
			for i := 0; i < fields.Len(); i++ {
				if field := fields.Get(i); field.IsList() && field.Message() != nil {
					list := reply.ProtoReflect().Get(field).List()
					for j := 0; j < list.Len(); j++ {
						if !yield(list.Get(j).Message().Interface().(T), nil) {
							return
						}
					}
				}
			}
			if token = reply.ProtoReflect().Get(fields.ByName("next_page_token")).String(); token == "" {
				return
			}
		}
	}
}

// All collects a List.
func (c Collection[T]) All(ctx context.Context, parent string, options ...Option) ([]T, error) {
	var all []T
	for resource, err := range c.List(ctx, parent, options...) {
		if err != nil {
			return nil, err
		}
		all = append(all, resource)
	}
	return all, nil
}
