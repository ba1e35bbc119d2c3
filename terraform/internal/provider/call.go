package provider

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/hashicorp/terraform-plugin-framework/datasource"
	dataschema "github.com/hashicorp/terraform-plugin-framework/datasource/schema"
	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/resource"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/int64planmodifier"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/mapplanmodifier"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/planmodifier"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/stringplanmodifier"
	"github.com/hashicorp/terraform-plugin-framework/types"
	patronusschema "github.com/patronus-sdwan/patronus/api/go/schema"
	"google.golang.org/grpc"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
)

// Methods beside the standard ones, by name: a data source for those that read, a resource for those that do something, once
// when it is created and again when one of its arguments or triggers changes.

const messagesMax = 1000

type callModel struct {
	Method   types.String `tfsdk:"method"`
	Request  types.String `tfsdk:"request"`
	Messages types.Int64  `tfsdk:"messages"`
	Replies  types.List   `tfsdk:"replies"`
}

type callResourceModel struct {
	callModel
	Triggers types.Map `tfsdk:"triggers"`
}

const (
	methodText   = "Service and method, for example `ClusterService.GetClusterStatus`."
	requestText  = "The request as JSON, with the schema's names: `jsonencode({ name = patronus_site.nyc.name })`; of a method that takes a stream, a list of them."
	messagesText = "Of a method that answers with a stream, how many messages to wait for: 1 (the default) to 1000."
	repliesText  = "The reply as JSON (`jsondecode` reads it), or the messages of the stream."
)

// findMethod by Service.Method, and whether it only reads.
func findMethod(s *patronusschema.Schema, name string) (protoreflect.MethodDescriptor, bool) {
	service, method, _ := strings.Cut(name, ".")
	for _, one := range s.Services() {
		if string(one.Name()) != service {
			continue
		}
		if found := one.Methods().ByName(protoreflect.Name(method)); found != nil {
			return found, patronusschema.Reads(method)
		}
	}
	return nil, false
}

// Callable counts the public methods that no resource and no data source of a kind stands for, and those of them that
// patronus_call takes. Methods between nodes (by role, or fed by a stream) are not public.
func Callable(s *patronusschema.Schema) (called, methods int, err error) {
	standard := map[protoreflect.FullName]bool{}
	for _, kind := range s.Kinds() {
		for _, method := range []protoreflect.MethodDescriptor{kind.Create, kind.Get, kind.List, kind.Update, kind.Delete} {
			if method != nil {
				standard[method.FullName()] = true
			}
		}
	}
	for _, service := range s.Services() {
		for i := 0; i < service.Methods().Len() && service.ParentFile().Package() == "patronus.v1"; i++ {
			method := service.Methods().Get(i)
			access := patronusschema.Access(method)
			if standard[method.FullName()] || (access != nil && access.Role != "") {
				continue
			}
			methods++
			name := string(service.Name()) + "." + string(method.Name())
			_, reads := findMethod(s, name)
			var diags diag.Diagnostics
			check(s, callModel{Method: types.StringValue(name), Request: types.StringNull(), Messages: types.Int64Null()}, reads, &diags)
			if diags.HasError() {
				return called, methods, fmt.Errorf("%s: %s", name, diags[0].Detail())
			}
			called++
		}
	}
	return called, methods, nil
}

// check what can be said of a call without a server.
func check(s *patronusschema.Schema, model callModel, reads bool, diags *diag.Diagnostics) {
	if model.Method.IsUnknown() || model.Method.IsNull() {
		return
	}
	method, readsOnly := findMethod(s, model.Method.ValueString())
	switch {
	case method == nil:
		diags.AddAttributeError(path.Root("method"), "No such method", "'"+model.Method.ValueString()+
			"' is no Service.Method of this API; `patronusctl call` lists them.")
		return
	case reads && !readsOnly:
		diags.AddAttributeError(path.Root("method"), "This method changes something",
			"A data source is read whenever Terraform plans; use the resource patronus_call, which calls once.")
	case method.IsStreamingClient() && method.IsStreamingServer():
		diags.AddAttributeError(path.Root("method"), "This method is a stream both ways", "It is for nodes; there is nothing to declare about it.")
	}
	if !model.Request.IsUnknown() {
		if _, err := newRequests(s, method, model.Request.ValueString()); err != nil {
			diags.AddAttributeError(path.Root("request"), "Not a request of "+model.Method.ValueString(), err.Error())
		}
	}
	if n := model.Messages; !n.IsNull() && !n.IsUnknown() && (n.ValueInt64() < 1 || n.ValueInt64() > messagesMax) {
		diags.AddAttributeError(path.Root("messages"), "Out of range", "messages is 1 to 1000")
	}
}

func newRequest(s *patronusschema.Schema, method protoreflect.MethodDescriptor, text string) (proto.Message, error) {
	made, err := s.Types().FindMessageByName(method.Input().FullName())
	if err != nil {
		return nil, err
	}
	request := made.New().Interface()
	if text == "" {
		return request, nil
	}
	if err := (protojson.UnmarshalOptions{Resolver: s.Types()}).Unmarshal([]byte(text), request); err != nil {
		return nil, fmt.Errorf("%s: %s", method.Input().Name(), strings.TrimPrefix(strings.ReplaceAll(err.Error(), "\u00a0", " "), "proto: "))
	}
	return request, nil
}

// newRequests reads the request or, of a method that takes a stream, the list of them.
func newRequests(s *patronusschema.Schema, method protoreflect.MethodDescriptor, text string) ([]proto.Message, error) {
	texts := []json.RawMessage{json.RawMessage(text)}
	if method.IsStreamingClient() {
		if text == "" {
			text = "[]"
		}
		if err := json.Unmarshal([]byte(text), &texts); err != nil {
			return nil, fmt.Errorf("%s takes a stream: write a list of %s", method.Name(), method.Input().Name())
		}
	}
	var requests []proto.Message
	for _, one := range texts {
		request, err := newRequest(s, method, string(one))
		if err != nil {
			return nil, err
		}
		requests = append(requests, request)
	}
	return requests, nil
}

// call performs it, and gives the replies as JSON.
func (s *session) call(ctx context.Context, model callModel) ([]string, error) {
	ctx, cancel := context.WithTimeout(ctx, s.timeout)
	defer cancel()
	method, _ := findMethod(s.client.Schema(), model.Method.ValueString())
	if method == nil {
		return nil, errors.New("there is no such method")
	}
	requests, err := newRequests(s.client.Schema(), method, model.Request.ValueString())
	if err != nil {
		return nil, err
	}
	made, err := s.client.Schema().Types().FindMessageByName(method.Output().FullName())
	if err != nil {
		return nil, err
	}
	name := "/" + string(method.Parent().FullName()) + "/" + string(method.Name())
	if !method.IsStreamingServer() && !method.IsStreamingClient() {
		reply := made.New().Interface()
		if err := s.client.Invoke(ctx, name, requests[0], reply); err != nil {
			return nil, err
		}
		text, err := s.text(reply)
		return []string{text}, err
	}
	wanted := max(1, int(model.Messages.ValueInt64()))
	stream, err := s.client.NewStream(ctx, &grpc.StreamDesc{ServerStreams: method.IsStreamingServer(), ClientStreams: method.IsStreamingClient()}, name)
	for i := 0; err == nil && i < len(requests); i++ {
		err = stream.SendMsg(requests[i])
	}
	if errors.Is(err, io.EOF) {
		err = nil // the server has ended it; why, it says below
	}
	if err == nil {
		err = stream.CloseSend()
	}
	var replies []string
	for err == nil && len(replies) < wanted {
		reply := made.New().Interface()
		if err = stream.RecvMsg(reply); err == nil {
			var text string
			text, err = s.text(reply)
			replies = append(replies, text)
		}
	}
	if errors.Is(err, io.EOF) {
		err = nil
	}
	return replies, err
}

// text is compact JSON; protojson puts blanks where it likes, so that nobody relies on them.
func (s *session) text(message proto.Message) (string, error) {
	raw, err := (protojson.MarshalOptions{Resolver: s.client.Schema().Types(), UseProtoNames: true}).Marshal(message)
	if err != nil {
		return "", err
	}
	var value any
	if err := json.Unmarshal(raw, &value); err != nil {
		return "", err
	}
	compact, err := json.Marshal(value)
	return string(compact), err
}

// ---- the data source ------------------------------------------------------------------------------------------------

type callSource struct {
	schema  *patronusschema.Schema
	session *session
}

var _ datasource.DataSourceWithValidateConfig = (*callSource)(nil)

func (d *callSource) Metadata(_ context.Context, req datasource.MetadataRequest, resp *datasource.MetadataResponse) {
	resp.TypeName = req.ProviderTypeName + "_call"
}

func (d *callSource) Schema(_ context.Context, _ datasource.SchemaRequest, resp *datasource.SchemaResponse) {
	resp.Schema = dataschema.Schema{
		MarkdownDescription: "Call a method that reads, of those that no other data source stands for: the state of the cluster, what would happen if a link failed.",
		Attributes: map[string]dataschema.Attribute{
			"method":   dataschema.StringAttribute{Required: true, MarkdownDescription: methodText},
			"request":  dataschema.StringAttribute{Optional: true, MarkdownDescription: requestText},
			"messages": dataschema.Int64Attribute{Optional: true, MarkdownDescription: messagesText},
			"replies":  dataschema.ListAttribute{Computed: true, ElementType: types.StringType, MarkdownDescription: repliesText},
		}}
}

func (d *callSource) Configure(_ context.Context, req datasource.ConfigureRequest, _ *datasource.ConfigureResponse) {
	d.session, _ = req.ProviderData.(*session)
}

func (d *callSource) ValidateConfig(ctx context.Context, req datasource.ValidateConfigRequest, resp *datasource.ValidateConfigResponse) {
	var model callModel
	if resp.Diagnostics.Append(req.Config.Get(ctx, &model)...); !resp.Diagnostics.HasError() {
		check(d.schema, model, true, &resp.Diagnostics)
	}
}

func (d *callSource) Read(ctx context.Context, req datasource.ReadRequest, resp *datasource.ReadResponse) {
	var model callModel
	if resp.Diagnostics.Append(req.Config.Get(ctx, &model)...); resp.Diagnostics.HasError() {
		return
	}
	model.Replies = d.session.replies(ctx, model, &resp.Diagnostics)
	if !resp.Diagnostics.HasError() {
		resp.Diagnostics.Append(resp.State.Set(ctx, model)...)
	}
}

func (s *session) replies(ctx context.Context, model callModel, diags *diag.Diagnostics) types.List {
	none := types.ListNull(types.StringType)
	if s == nil {
		diags.AddError("The provider is not set up", "Its arguments were not known, or were wrong.")
		return none
	}
	replies, err := s.call(ctx, model)
	if err != nil {
		report(diags, nil, "Calling "+model.Method.ValueString(), err)
		return none
	}
	list, more := types.ListValueFrom(ctx, types.StringType, replies)
	diags.Append(more...)
	return list
}

// ---- the resource ---------------------------------------------------------------------------------------------------

type callResource struct {
	schema  *patronusschema.Schema
	session *session
}

var (
	_ resource.ResourceWithConfigure      = (*callResource)(nil)
	_ resource.ResourceWithValidateConfig = (*callResource)(nil)
)

func (r *callResource) Metadata(_ context.Context, req resource.MetadataRequest, resp *resource.MetadataResponse) {
	resp.TypeName = req.ProviderTypeName + "_call"
}

func (r *callResource) Schema(_ context.Context, _ resource.SchemaRequest, resp *resource.SchemaResponse) {
	again := []planmodifier.String{stringplanmodifier.RequiresReplace()}
	resp.Schema = schema.Schema{
		MarkdownDescription: "Call a method that does something, for example `TrafficEngineeringService.Drain`: once when this is created, and again when an argument or a trigger changes. Destroying it calls nothing.",
		Attributes: map[string]schema.Attribute{
			"method":  schema.StringAttribute{Required: true, MarkdownDescription: methodText, PlanModifiers: again},
			"request": schema.StringAttribute{Optional: true, MarkdownDescription: requestText, PlanModifiers: again},
			"messages": schema.Int64Attribute{Optional: true, MarkdownDescription: messagesText,
				PlanModifiers: []planmodifier.Int64{int64planmodifier.RequiresReplace()}},
			"triggers": schema.MapAttribute{Optional: true, ElementType: types.StringType, MarkdownDescription: "Any values; a change of one calls again.",
				PlanModifiers: []planmodifier.Map{mapplanmodifier.RequiresReplace()}},
			"replies": schema.ListAttribute{Computed: true, ElementType: types.StringType, MarkdownDescription: repliesText},
		}}
}

func (r *callResource) Configure(_ context.Context, req resource.ConfigureRequest, _ *resource.ConfigureResponse) {
	r.session, _ = req.ProviderData.(*session)
}

func (r *callResource) ValidateConfig(ctx context.Context, req resource.ValidateConfigRequest, resp *resource.ValidateConfigResponse) {
	var model callResourceModel
	if resp.Diagnostics.Append(req.Config.Get(ctx, &model)...); !resp.Diagnostics.HasError() {
		check(r.schema, model.callModel, false, &resp.Diagnostics)
	}
}

func (r *callResource) Create(ctx context.Context, req resource.CreateRequest, resp *resource.CreateResponse) {
	var model callResourceModel
	if resp.Diagnostics.Append(req.Plan.Get(ctx, &model)...); resp.Diagnostics.HasError() {
		return
	}
	if r.session != nil && r.session.staging != nil {
		resp.Diagnostics.AddAttributeError(path.Root("method"), "This run's change set cannot hold a call",
			"A call is done at once and cannot be taken back with the rest. Apply it without `patronusctl tf`, with -target or from a configuration of its own.")
		return
	}
	model.Replies = r.session.replies(ctx, model.callModel, &resp.Diagnostics)
	if !resp.Diagnostics.HasError() {
		resp.Diagnostics.Append(resp.State.Set(ctx, model)...)
	}
}

// Read and Delete have nothing to do: what was done is done.
func (r *callResource) Read(context.Context, resource.ReadRequest, *resource.ReadResponse) {}

func (r *callResource) Delete(context.Context, resource.DeleteRequest, *resource.DeleteResponse) {}

// Update is never called: every argument replaces.
func (r *callResource) Update(_ context.Context, req resource.UpdateRequest, resp *resource.UpdateResponse) {
	resp.State.Raw = req.Plan.Raw
}
