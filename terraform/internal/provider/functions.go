package provider

import (
	"context"

	"github.com/hashicorp/terraform-plugin-framework/attr"
	"github.com/hashicorp/terraform-plugin-framework/function"
	"github.com/hashicorp/terraform-plugin-framework/types"
	"github.com/patronus-sdwan/patronus/api/go/schema"
)

// nameFunction is provider::patronus::name("link", "acme", "nyc", "inet0").
type nameFunction struct{ schema *schema.Schema }

func (f *nameFunction) Metadata(_ context.Context, _ function.MetadataRequest, resp *function.MetadataResponse) {
	resp.Name = "name"
}

func (f *nameFunction) Definition(_ context.Context, _ function.DefinitionRequest, resp *function.DefinitionResponse) {
	resp.Definition = function.Definition{
		Summary:             "Name of a resource from its kind and ids",
		MarkdownDescription: "`provider::patronus::name(\"link\", \"acme\", \"nyc\", \"inet0\")` is `organizations/acme/sites/nyc/links/inet0`.",
		Parameters:          []function.Parameter{function.StringParameter{Name: "kind", MarkdownDescription: "Kind in singular or plural, for example `site`."}},
		VariadicParameter:   function.StringParameter{Name: "ids", MarkdownDescription: "One id per level, from the top."},
		Return:              function.StringReturn{},
	}
}

func (f *nameFunction) Run(ctx context.Context, req function.RunRequest, resp *function.RunResponse) {
	var kindName string
	var ids []string
	if resp.Error = req.Arguments.Get(ctx, &kindName, &ids); resp.Error != nil {
		return
	}
	kind := f.schema.Kind(kindName)
	if kind == nil {
		resp.Error = function.NewArgumentFuncError(0, "there is no kind '"+kindName+"'; write for example site, link or steeringPolicy")
		return
	}
	name, err := kind.Name(ids...)
	if err != nil {
		resp.Error = function.NewArgumentFuncError(1, err.Error())
		return
	}
	resp.Error = resp.Result.Set(ctx, name)
}

// parseFunction is provider::patronus::parse_name(name).
type parseFunction struct{ schema *schema.Schema }

func (f *parseFunction) Metadata(_ context.Context, _ function.MetadataRequest, resp *function.MetadataResponse) {
	resp.Name = "parse_name"
}

func (f *parseFunction) Definition(_ context.Context, _ function.DefinitionRequest, resp *function.DefinitionResponse) {
	resp.Definition = function.Definition{
		Summary:             "Parts of a resource's name",
		MarkdownDescription: "`kind`, `parent` (a name, or empty), `id`, and `ids` from the top: of `organizations/acme/sites/nyc` they are `site`, `organizations/acme`, `nyc` and `[\"acme\", \"nyc\"]`.",
		Parameters:          []function.Parameter{function.StringParameter{Name: "name", MarkdownDescription: "Name of a resource of any kind."}},
		Return: function.ObjectReturn{AttributeTypes: map[string]attr.Type{
			"kind": types.StringType, "parent": types.StringType, "id": types.StringType, "ids": types.ListType{ElemType: types.StringType}}},
	}
}

func (f *parseFunction) Run(ctx context.Context, req function.RunRequest, resp *function.RunResponse) {
	var name string
	if resp.Error = req.Arguments.Get(ctx, &name); resp.Error != nil {
		return
	}
	kind, err := f.schema.KindOf(name)
	if err != nil {
		resp.Error = function.NewArgumentFuncError(0, err.Error())
		return
	}
	ids, _ := kind.IDs(name) // KindOf has seen to it
	parent, id := schema.SplitName(name)
	resp.Error = resp.Result.Set(ctx, struct {
		Kind   string   `tfsdk:"kind"`
		Parent string   `tfsdk:"parent"`
		ID     string   `tfsdk:"id"`
		IDs    []string `tfsdk:"ids"`
	}{kind.Singular, parent, id, ids})
}
