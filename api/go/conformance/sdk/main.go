// Command sdk does the conformance scenarios with this SDK.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	patronus "github.com/patronus-sdwan/patronus/api/go"
	"github.com/patronus-sdwan/patronus/api/go/conformance"
	pb "github.com/patronus-sdwan/patronus/api/go/patronus/v1"
	"github.com/patronus-sdwan/patronus/api/go/schema"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"
	"google.golang.org/protobuf/types/dynamicpb"
)

type sdk struct{ admin *patronus.Client }

func main() {
	if len(os.Args) > 1 && os.Args[1] == "--coverage" {
		coverage()
		return
	}
	admin, err := patronus.Dial(patronus.Options{})
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(2)
	}
	conformance.Main(&sdk{admin})
}

func (s *sdk) Offers(string) (bool, string) { return true, "" }

// client for a step: another credential or server, or the usual one.
func (s *sdk) client(step *conformance.Step) (*patronus.Client, error) {
	options := patronus.Options{Timeout: time.Duration(step.TimeoutS * float64(time.Second))}
	switch {
	case step.Server == "silent":
		options.Servers = []string{os.Getenv("PT_SILENT")}
	case step.Server == "none":
		options.Servers = []string{os.Getenv("PT_NONE")}
	case step.As == "denied":
		options.Credential = os.Getenv("PT_DENIED")
	default:
		return s.admin, nil
	}
	return patronus.Dial(options)
}

func (s *sdk) Do(ctx context.Context, step *conformance.Step, during func() error) (*conformance.Result, error) {
	client, err := s.client(step)
	if err != nil {
		return nil, err
	}
	if client != s.admin {
		defer client.Close()
		if step.TimeoutS > 0 && step.CancelAfterS == 0 { // else the conformance package's own deadline would count
			var cancel context.CancelFunc
			ctx, cancel = context.WithTimeout(ctx, time.Duration(step.TimeoutS*float64(time.Second)))
			defer cancel()
		}
	}
	result, err := do(ctx, client, step, during)
	var failure *patronus.APIError
	if errors.As(err, &failure) {
		return nil, &conformance.Failure{Code: codeName(failure), Reason: string(failure.Reason), Field: failure.Field, Text: failure.Message}
	}
	return result, err
}

// codeName is the name as in google.rpc.Code: "NOT_FOUND".
func codeName(failure *patronus.APIError) string {
	name := strings.ToUpper(schema.Snake(failure.Code.String()))
	if name == "CANCELED" {
		return "CANCELLED"
	}
	return strings.TrimPrefix(name, "_")
}

func do(ctx context.Context, client *patronus.Client, step *conformance.Step, during func() error) (*conformance.Result, error) {
	if step.Do == "watch" {
		return watch(ctx, client, step, during)
	}
	collection := client.Dynamic(client.Schema().Kind(step.Kind))
	var options []patronus.Option
	for _, option := range []struct {
		set bool
		patronus.Option
	}{{step.ValidateOnly, patronus.ValidateOnly()}, {step.Force, patronus.Force()}, {step.AllowMissing, patronus.AllowMissing()},
		{step.Filter != "", patronus.Filter(step.Filter)}, {step.Etag != "" && step.Do == "delete", patronus.Etag(step.Etag)}} {
		if option.set {
			options = append(options, option.Option)
		}
	}
	switch step.Do {
	case "get":
		return result(collection.Get(ctx, step.Name, options...))
	case "delete":
		return &conformance.Result{}, collection.Delete(ctx, step.Name, options...)
	case "list":
		resources, err := collection.All(ctx, step.Parent, options...)
		names := make([]string, len(resources))
		for i, resource := range resources {
			names[i] = resource.Get(resource.Descriptor().Fields().ByName("name")).String()
		}
		return &conformance.Result{Names: names}, err
	}
	resource, err := collection.New()
	if err != nil {
		return nil, err
	}
	if err := protojson.Unmarshal(step.Fields, resource); err != nil {
		return nil, err
	}
	if step.Do == "create" {
		parent, id := schema.SplitName(step.Name)
		return result(collection.Create(ctx, parent, id, resource, options...))
	}
	var fields map[string]any
	if err := json.Unmarshal(step.Fields, &fields); err != nil {
		return nil, err
	}
	paths := make([]string, 0, len(fields))
	for path := range fields {
		paths = append(paths, path)
	}
	set(resource, "name", step.Name)
	set(resource, "etag", step.Etag)
	return result(collection.Update(ctx, resource, append(options, patronus.Mask(paths...))...))
}

func set(resource *dynamicpb.Message, field, text string) {
	resource.Set(resource.Descriptor().Fields().ByName(protoreflect.Name(field)), protoreflect.ValueOfString(text))
}

func result(resource *dynamicpb.Message, err error) (*conformance.Result, error) {
	if err != nil {
		return nil, err
	}
	text, err := protojson.MarshalOptions{UseProtoNames: true}.Marshal(resource)
	if err != nil {
		return nil, err
	}
	out := &conformance.Result{Etag: resource.Get(resource.Descriptor().Fields().ByName("etag")).String()}
	return out, json.Unmarshal(text, &out.Fields)
}

// watch is under way when the first bookmark came; it has seen all when, behind the last expected event, another comes.
func watch(ctx context.Context, client *patronus.Client, step *conformance.Step, during func() error) (*conformance.Result, error) {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	out := &conformance.Result{}
	done := make(chan error, 1)
	begun := false
	options := patronus.WatchOptions{Parent: step.Parent, Kinds: step.Kinds, SendInitial: step.SendInitial, BookmarkInterval: time.Second}
	finished := false // written before `done` is, read after
	for event, err := range client.Watch(ctx, options) {
		if err != nil {
			return out, err
		}
		if event.Type != pb.WatchEventType_BOOKMARK {
			if event.Resource == nil {
				return out, errors.New("an event without its resource")
			}
			out.Events = append(out.Events, event.Type.String()+" "+event.Name)
			continue
		}
		if !begun {
			begun = true
			go func() { done <- during() }()
			continue
		}
		select {
		case err := <-done:
			if err != nil {
				return out, err
			}
			finished = true
		default:
		}
		if finished && len(out.Events) >= len(step.Expect.Events) {
			return out, nil
		}
	}
	return out, nil
}

// coverage counts the public methods of the schema, and those that this SDK has: a stub that is linked in, and for a
// standard method also the collection of its kind.
func coverage() {
	covered, total := 0, 0
	for _, service := range schema.Default().Services() {
		if service.ParentFile().Package() != "patronus.v1" {
			continue
		}
		linked, err := protoregistry.GlobalFiles.FindDescriptorByName(service.FullName())
		for i := 0; i < service.Methods().Len(); i++ {
			total++
			if err == nil && linked.(protoreflect.ServiceDescriptor).Methods().ByName(service.Methods().Get(i).Name()) != nil {
				covered++
			}
		}
	}
	for _, kind := range schema.Default().Kinds() {
		total++
		if _, err := protoregistry.GlobalTypes.FindMessageByName(kind.Message.FullName()); err == nil {
			covered++
		}
	}
	fmt.Println("coverage", covered, total)
}
