package provider

import (
	"context"
	"fmt"
	"math/big"

	"github.com/hashicorp/terraform-plugin-framework/datasource"
	"github.com/hashicorp/terraform-plugin-framework/datasource/schema"
	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-go/tftypes"
	patronus "github.com/patronus-sdwan/patronus/api/go"
	pb "github.com/patronus-sdwan/patronus/api/go/patronus/v1"
	patronusschema "github.com/patronus-sdwan/patronus/api/go/schema"
	"google.golang.org/protobuf/types/dynamicpb"
)

func numberText(value tftypes.Value) string {
	number := new(big.Float)
	if value.Type() == nil || value.IsNull() || value.As(&number) != nil {
		return "0"
	}
	return number.Text('f', -1)
}

// author finds who last changed a resource, in its revisions: " by PRINCIPAL", or "" where that is not known (any more).
func (s *session) author(ctx context.Context, name string) string {
	reply, err := pb.NewRevisionServiceClient(s.client).ListRevisions(ctx, &pb.ListRevisionsRequest{Name: name})
	if err != nil || len(reply.Revisions) == 0 || reply.Revisions[0].Principal == "" {
		return ""
	}
	return " by " + reply.Revisions[0].Principal
}

// source reads resources of a kind, one by name or many by parent and filter; all fields, what is measured included.
type source struct {
	schema  *patronusschema.Schema
	kind    *patronusschema.Kind
	fields  []*field
	many    bool
	session *session
}

func newDataSource(s *patronusschema.Schema, kind *patronusschema.Kind) *source {
	return &source{schema: s, kind: kind, fields: kindFields(kind, func(r *pb.FieldRules) bool { return !r.Secret })}
}

func newListSource(s *patronusschema.Schema, kind *patronusschema.Kind) *source {
	d := newDataSource(s, kind)
	d.many = true
	return d
}

func (d *source) Metadata(_ context.Context, req datasource.MetadataRequest, resp *datasource.MetadataResponse) {
	if resp.TypeName = req.ProviderTypeName + "_" + resourceName(d.kind); d.many {
		resp.TypeName = req.ProviderTypeName + "_" + listName(d.kind)
	}
}

func (d *source) Configure(_ context.Context, req datasource.ConfigureRequest, _ *datasource.ConfigureResponse) {
	d.session, _ = req.ProviderData.(*session)
}

func (d *source) Schema(_ context.Context, _ datasource.SchemaRequest, resp *datasource.SchemaResponse) {
	attributes := dataAttributes(d.fields)
	comment := patronusschema.Comment(d.kind.Message)
	if !d.many {
		attributes["name"] = schema.StringAttribute{Required: true, MarkdownDescription: fmt.Sprintf("Resource name: `%s`.", d.kind.Pattern)}
		resp.Schema = schema.Schema{Attributes: attributes, MarkdownDescription: comment}
		return
	}
	all := map[string]schema.Attribute{
		"filter":   schema.StringAttribute{Optional: true, MarkdownDescription: "Equality and AND: `region = \"eu-1\" AND labels.tier = \"gold\"`."},
		"order_by": schema.StringAttribute{Optional: true, MarkdownDescription: "A field, optionally followed by ` desc`; by name when absent."},
		"items":    schema.ListNestedAttribute{Computed: true, MarkdownDescription: "What was found.", NestedObject: schema.NestedAttributeObject{Attributes: attributes}},
	}
	if d.kind.Parent != nil {
		all["parent"] = schema.StringAttribute{Required: true, MarkdownDescription: fmt.Sprintf("Name of a %s; `-` in place of an id reads across collections.", d.kind.Parent.Singular)}
	}
	resp.Schema = schema.Schema{Attributes: all, MarkdownDescription: "Many at once. " + comment}
}

func (d *source) Read(ctx context.Context, req datasource.ReadRequest, resp *datasource.ReadResponse) {
	if d.session == nil {
		resp.Diagnostics.AddError("The provider is not set up", "Its arguments were not known, or were wrong.")
		return
	}
	ctx, cancel := context.WithTimeout(ctx, d.session.timeout)
	defer cancel()
	config := attributesOf(req.Config.Raw)
	collection := d.session.client.Dynamic(d.kind)
	if d.many {
		if items, ok := d.list(ctx, collection, config, &resp.Diagnostics); ok {
			config["items"] = tftypes.NewValue(tftypes.List{ElementType: tfObjectType(d.fields)}, items)
			resp.State.Raw = tftypes.NewValue(req.Config.Raw.Type(), config)
		}
		return
	}
	name := textOf(config, "name")
	if _, err := d.kind.IDs(name); err != nil {
		resp.Diagnostics.AddAttributeError(path.Root("name"), "Not a name", err.Error())
		return
	}
	message, err := collection.Get(ctx, name)
	if err != nil {
		report(&resp.Diagnostics, d.fields, "Reading "+name, err)
		return
	}
	resp.State.Raw = tftypes.NewValue(req.Config.Raw.Type(), fromMessage(d.fields, message, nil))
}

func (d *source) list(ctx context.Context, collection patronus.Collection[*dynamicpb.Message], config map[string]tftypes.Value, diags *diag.Diagnostics) ([]tftypes.Value, bool) {
	options := []patronus.Option{patronus.PageSize(1000)}
	if filter := textOf(config, "filter"); filter != "" {
		options = append(options, patronus.Filter(filter))
	}
	if order := textOf(config, "order_by"); order != "" {
		options = append(options, patronus.OrderBy(order))
	}
	items := []tftypes.Value{}
	for message, err := range collection.List(ctx, textOf(config, "parent"), options...) {
		if err != nil {
			report(diags, d.fields, "Listing "+d.kind.Plural, err)
			return nil, false
		}
		items = append(items, tftypes.NewValue(tfObjectType(d.fields), fromMessage(d.fields, message, nil)))
	}
	return items, true
}
