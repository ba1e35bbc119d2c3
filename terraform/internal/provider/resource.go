package provider

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"strings"
	"time"

	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/resource"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema"
	"github.com/hashicorp/terraform-plugin-go/tftypes"
	patronus "github.com/patronus-sdwan/patronus/api/go"
	pb "github.com/patronus-sdwan/patronus/api/go/patronus/v1"
	patronusschema "github.com/patronus-sdwan/patronus/api/go/schema"
	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/dynamicpb"
)

// kindResource is the resource of any stored kind. SOFT fields are left to the data sources: a state that holds what is
// measured would differ at each refresh.
type kindResource struct {
	schema  *patronusschema.Schema
	kind    *patronusschema.Kind
	fields  []*field
	session *session // nil before Configure, and in a plan whose provider is not known yet
}

var (
	_ resource.ResourceWithConfigure      = (*kindResource)(nil)
	_ resource.ResourceWithImportState    = (*kindResource)(nil)
	_ resource.ResourceWithModifyPlan     = (*kindResource)(nil)
	_ resource.ResourceWithValidateConfig = (*kindResource)(nil)
)

func newResource(s *patronusschema.Schema, kind *patronusschema.Kind) *kindResource {
	return &kindResource{schema: s, kind: kind, fields: kindFields(kind, func(r *pb.FieldRules) bool { return r.Output != pb.Output_SOFT })}
}

func (r *kindResource) Metadata(_ context.Context, req resource.MetadataRequest, resp *resource.MetadataResponse) {
	resp.TypeName = req.ProviderTypeName + "_" + resourceName(r.kind)
}

func (r *kindResource) Schema(_ context.Context, _ resource.SchemaRequest, resp *resource.SchemaResponse) {
	attributes := resourceAttributes(r.fields)
	attributes["name"] = schema.StringAttribute{Required: true,
		MarkdownDescription: fmt.Sprintf("Resource name: `%s`. Another name replaces the resource.", r.kind.Pattern)}
	attributes["timeouts"] = schema.SingleNestedAttribute{Optional: true, MarkdownDescription: "How long each step may take, for example `5m`.",
		Attributes: map[string]schema.Attribute{
			"create": schema.StringAttribute{Optional: true, MarkdownDescription: "Creating."},
			"read":   schema.StringAttribute{Optional: true, MarkdownDescription: "Reading."},
			"update": schema.StringAttribute{Optional: true, MarkdownDescription: "Changing."},
			"delete": schema.StringAttribute{Optional: true, MarkdownDescription: "Deleting."},
		}}
	resp.Schema = schema.Schema{Attributes: attributes, MarkdownDescription: patronusschema.Comment(r.kind.Message)}
}

func (r *kindResource) Configure(_ context.Context, req resource.ConfigureRequest, _ *resource.ConfigureResponse) {
	r.session, _ = req.ProviderData.(*session)
}

func (r *kindResource) ImportState(ctx context.Context, req resource.ImportStateRequest, resp *resource.ImportStateResponse) {
	if _, err := r.kind.IDs(req.ID); err != nil {
		resp.Diagnostics.AddError("Not a name", err.Error())
		return
	}
	resource.ImportStatePassthroughID(ctx, path.Root("name"), req, resp)
}

// ---- values ---------------------------------------------------------------------------------------------------------

func attributesOf(value tftypes.Value) map[string]tftypes.Value {
	var values map[string]tftypes.Value
	if value.Type() != nil && !value.IsNull() && value.IsKnown() {
		_ = value.As(&values)
	}
	return maps.Clone(values) // As hands out the value's own map
}

func textOf(values map[string]tftypes.Value, name string) string {
	var text string
	if value, ok := values[name]; ok && value.IsKnown() && !value.IsNull() {
		_ = value.As(&text)
	}
	return text
}

// state is what the server says, and of `known` what only Terraform knows: timeouts, versions of secrets.
func (r *kindResource) state(message *dynamicpb.Message, known tftypes.Value) tftypes.Value {
	values := fromMessage(r.fields, message, attributesOf(known))
	for name, value := range attributesOf(known) {
		if _, ours := values[name]; !ours {
			values[name] = value
		}
	}
	return tftypes.NewValue(known.Type(), values)
}

// body is the resource with the user's fields that `values` hold, and the secrets that stand in the configuration only.
func (r *kindResource) body(collection patronus.Collection[*dynamicpb.Message], values, config map[string]tftypes.Value) (*dynamicpb.Message, error) {
	message, err := collection.New()
	if err != nil {
		return nil, err
	}
	var user []*field
	for _, f := range r.fields {
		if f.user() && f.name != "name" {
			user = append(user, f)
		}
	}
	if err := toMessage(user, values, message); err != nil {
		return nil, err
	}
	for _, f := range user {
		if twin := textOf(config, f.name+"_wo"); f.rules.Secret && twin != "" {
			message.Set(message.Descriptor().Fields().ByName(f.desc.Name()), protoreflect.ValueOfString(twin))
		}
	}
	return message, nil
}

// changed lists the user's fields in which two states differ: the update mask.
func (r *kindResource) changed(before, after map[string]tftypes.Value) []string {
	var paths []string
	for _, f := range r.fields {
		if !f.user() || f.name == "name" {
			continue
		}
		if r.unseen(f, before) {
			continue
		}
		old, oldVersion := before[f.name], before[f.name+"_wo_version"]
		if !old.Equal(after[f.name]) || (f.rules.Secret && !oldVersion.Equal(after[f.name+"_wo_version"])) {
			paths = append(paths, string(f.desc.Name()))
		}
	}
	return paths
}

// unseen says of a secret that is for ever that the state does not know it: it was imported, or came by the write-only
// twin. Whether the configuration's is another one cannot be told, and replacing the resource would be a bad guess.
func (r *kindResource) unseen(f *field, before map[string]tftypes.Value) bool {
	return f.rules.Secret && f.rules.Immutable && before != nil && before[f.name].IsNull()
}

// begin gives the collection and the time that an operation has.
func (r *kindResource) begin(ctx context.Context, values map[string]tftypes.Value, operation string, diags *diag.Diagnostics) (patronus.Collection[*dynamicpb.Message], context.Context, context.CancelFunc) {
	if r.session == nil {
		diags.AddError("The provider is not set up", "Its arguments were not known, or were wrong.")
		return patronus.Collection[*dynamicpb.Message]{}, ctx, func() {}
	}
	limit := r.session.timeout
	if text := textOf(attributesOf(values["timeouts"]), operation); text != "" {
		if d, err := time.ParseDuration(text); err == nil {
			limit = d
		}
	}
	ctx, cancel := context.WithTimeout(ctx, limit)
	return r.session.client.Dynamic(r.kind), ctx, cancel
}

// ---- validate and plan ----------------------------------------------------------------------------------------------

func (r *kindResource) ValidateConfig(_ context.Context, req resource.ValidateConfigRequest, resp *resource.ValidateConfigResponse) {
	values := attributesOf(req.Config.Raw)
	c := &checker{schema: r.schema}
	c.object(r.fields, values, path.Root)
	if name, ok := values["name"]; ok && name.IsKnown() && !name.IsNull() {
		if _, err := r.kind.IDs(textOf(values, "name")); err != nil {
			c.because(path.Root("name"), patronus.ReasonNameInvalid, "%s", err)
		}
	}
	for _, operation := range []string{"create", "read", "update", "delete"} {
		text := textOf(attributesOf(values["timeouts"]), operation)
		if d, err := time.ParseDuration(text); text != "" && (err != nil || d <= 0) {
			c.refuse(path.Root("timeouts").AtName(operation), "'%s' is not a duration; write for example 90s or 5m", text)
		}
	}
	for _, f := range r.fields {
		twin, has := values[f.name+"_wo"]
		if !f.rules.Secret || !has {
			continue
		}
		c.attribute(f, twin, path.Root(f.name+"_wo"))
		switch absent := values[f.name].IsNull(); {
		case !absent && !twin.IsNull():
			c.refuse(path.Root(f.name), "%s and %s_wo exclude each other; give one of them", f.name, f.name)
		case absent && twin.IsNull() && f.rules.Required:
			c.required(f, path.Root(f.name))
		}
	}
	resp.Diagnostics = c.diags
}

func (r *kindResource) ModifyPlan(ctx context.Context, req resource.ModifyPlanRequest, resp *resource.ModifyPlanResponse) {
	plan, before := attributesOf(req.Plan.Raw), attributesOf(req.State.Raw)
	if req.Plan.Raw.IsNull() {
		r.checkStaged(before, before, nil, &resp.Diagnostics)
		return // it is going to be deleted
	}
	if before != nil {
		for _, f := range r.fields {
			old := before[f.name]
			if f.user() && !r.unseen(f, before) && (f.rules.Immutable || f.name == "name") && !old.Equal(plan[f.name]) {
				resp.RequiresReplace = append(resp.RequiresReplace, path.Root(f.name))
			}
		}
	}
	if before != nil && len(resp.RequiresReplace) == 0 {
		for _, name := range []string{"uid", "create_time"} { // for the whole life of a resource
			if _, ok := plan[name]; ok {
				plan[name] = before[name]
			}
		}
		resp.Plan.Raw = tftypes.NewValue(req.Plan.Raw.Type(), plan)
	}
	if before == nil || len(r.changed(before, plan)) > 0 {
		r.checkStaged(before, plan, resp.RequiresReplace, &resp.Diagnostics)
	}
	if r.session != nil && len(resp.RequiresReplace) == 0 {
		r.ask(ctx, before, plan, attributesOf(req.Config.Raw), &resp.Diagnostics)
	}
}

// checkStaged refuses, in a run within a change set, what a change set does not hold: some kinds, other organizations, and
// a name twice, which is what a replacement under the same name would be.
func (r *kindResource) checkStaged(before, plan map[string]tftypes.Value, replaced path.Paths, diags *diag.Diagnostics) {
	if r.session == nil || r.session.staging == nil {
		return
	}
	name := textOf(plan, "name")
	const summary = "This run's change set cannot hold the change"
	if text := r.session.staging.refusal(r.kind, name); text != "" {
		diags.AddAttributeError(path.Root("name"), summary, text)
	} else if len(replaced) > 0 && name == textOf(before, "name") {
		diags.AddAttributeError(replaced[0], summary, fmt.Sprintf("%s must be replaced, and a change set has each name once. "+
			"Delete it in one run and make it in the next, or give the new one another name.", name))
	}
}

// ask has the server check the change, when everything in it is known. What other changes of the same plan may mend (a
// parent that does not exist yet, an address that another resource still has) is no error here.
func (r *kindResource) ask(ctx context.Context, before, plan, config map[string]tftypes.Value, diags *diag.Diagnostics) {
	for _, f := range r.fields {
		if f.user() && !plan[f.name].IsFullyKnown() {
			return
		}
	}
	paths := r.changed(before, plan)
	if before != nil && len(paths) == 0 {
		return
	}
	ignored := diag.Diagnostics{}
	collection, ctx, cancel := r.begin(ctx, plan, "read", &ignored)
	defer cancel()
	body, err := r.body(collection, plan, config)
	if err == nil && before == nil {
		parent, id := patronusschema.SplitName(textOf(plan, "name"))
		_, err = collection.Create(ctx, parent, id, body, patronus.ValidateOnly())
	} else if err == nil {
		setText(body, "name", textOf(plan, "name"))
		_, err = collection.Update(ctx, body, patronus.Mask(paths...), patronus.ValidateOnly())
	}
	var failure *patronus.APIError
	if !errors.As(err, &failure) {
		return
	}
	switch {
	case failure.Code == codes.InvalidArgument, failure.Code == codes.PermissionDenied, failure.Code == codes.Unauthenticated:
		report(diags, r.fields, "The plan for "+textOf(plan, "name"), err)
	case failure.Code == codes.ResourceExhausted, failure.Reason == patronus.ReasonConflict:
		at, _ := attributePath(r.fields, failure.Field)
		diags.AddAttributeWarning(at, "As things stand, "+textOf(plan, "name")+" would be refused",
			sentence(failure)+"\n\nAnother change of this plan may mend that.")
	}
}

func setText(message *dynamicpb.Message, field, text string) {
	message.Set(message.Descriptor().Fields().ByName(protoreflect.Name(field)), protoreflect.ValueOfString(text))
}

// ---- create, read, update, delete -----------------------------------------------------------------------------------

func (r *kindResource) Create(ctx context.Context, req resource.CreateRequest, resp *resource.CreateResponse) {
	plan := attributesOf(req.Plan.Raw)
	collection, ctx, cancel := r.begin(ctx, plan, "create", &resp.Diagnostics)
	defer cancel()
	if resp.Diagnostics.HasError() {
		return
	}
	name := textOf(plan, "name")
	body, err := r.body(collection, plan, attributesOf(req.Config.Raw))
	if err == nil {
		body, err = r.session.create(ctx, collection, name, body)
	}
	if err != nil {
		report(&resp.Diagnostics, r.fields, "Creating "+name, err)
		return
	}
	resp.State.Raw = r.state(body, req.Plan.Raw)
}

func (r *kindResource) Read(ctx context.Context, req resource.ReadRequest, resp *resource.ReadResponse) {
	state := attributesOf(req.State.Raw)
	collection, ctx, cancel := r.begin(ctx, state, "read", &resp.Diagnostics)
	defer cancel()
	if resp.Diagnostics.HasError() {
		return
	}
	message, err := r.session.get(ctx, collection, textOf(state, "name"))
	switch {
	case err != nil:
		report(&resp.Diagnostics, r.fields, "Reading "+textOf(state, "name"), err)
	case message == nil:
		resp.State.RemoveResource(ctx)
	default:
		resp.State.Raw = r.state(message, req.State.Raw)
	}
}

func (r *kindResource) Update(ctx context.Context, req resource.UpdateRequest, resp *resource.UpdateResponse) {
	plan, before := attributesOf(req.Plan.Raw), attributesOf(req.State.Raw)
	collection, ctx, cancel := r.begin(ctx, plan, "update", &resp.Diagnostics)
	defer cancel()
	if resp.Diagnostics.HasError() {
		return
	}
	name := textOf(plan, "name")
	body, err := r.body(collection, plan, attributesOf(req.Config.Raw))
	if paths := r.changed(before, plan); err == nil && len(paths) > 0 {
		body, err = r.session.update(ctx, collection, name, textOf(before, "etag"), body, paths)
	} else if err == nil {
		body, err = collection.Get(ctx, name)
	}
	if err != nil {
		r.reportChange(ctx, &resp.Diagnostics, "Changing "+name, before, err)
		return
	}
	resp.State.Raw = r.state(body, req.Plan.Raw)
}

func (r *kindResource) Delete(ctx context.Context, req resource.DeleteRequest, resp *resource.DeleteResponse) {
	before := attributesOf(req.State.Raw)
	collection, ctx, cancel := r.begin(ctx, before, "delete", &resp.Diagnostics)
	defer cancel()
	if resp.Diagnostics.HasError() {
		return
	}
	name := textOf(before, "name")
	if err := r.session.delete(ctx, collection, name, textOf(before, "etag")); err != nil {
		r.reportChange(ctx, &resp.Diagnostics, "Deleting "+name, before, err)
	}
}

// reportChange says of a concurrent change who made it, when, and what it was.
func (r *kindResource) reportChange(ctx context.Context, diags *diag.Diagnostics, doing string, before map[string]tftypes.Value, err error) {
	var conflict patronus.ErrEtagMismatch
	if !errors.As(err, &conflict) {
		report(diags, r.fields, doing, err)
		return
	}
	name := textOf(before, "name")
	now, getErr := r.session.client.Dynamic(r.kind).Get(ctx, name)
	if getErr != nil {
		report(diags, r.fields, doing, err)
		return
	}
	current := fromMessage(r.fields, now, before)
	changed := strings.Join(r.changed(before, current), ", ")
	if changed == "" {
		changed = "nothing that this provider knows"
	}
	diags.AddError(doing+" would overwrite somebody else's change",
		fmt.Sprintf("%s was changed%s at %s (revision %s) since this plan was made: %s.\n\nPlan again: the new plan shows that change.\n\n(Aborted, ETAG_MISMATCH)",
			name, r.session.author(ctx, name), textOf(current, "update_time"), numberText(current["revision"]), changed))
}
