// Package provider is the Terraform provider: a resource and two data sources for every kind of the schema, and patronus_call
// for the methods beside. No kind is written out here; what a new .proto declares is there after the descriptor set has
// been generated.
package provider

import (
	"context"
	"os"
	"strings"
	"time"

	"github.com/hashicorp/terraform-plugin-framework/datasource"
	"github.com/hashicorp/terraform-plugin-framework/function"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/provider"
	providerschema "github.com/hashicorp/terraform-plugin-framework/provider/schema"
	"github.com/hashicorp/terraform-plugin-framework/resource"
	"github.com/hashicorp/terraform-plugin-framework/types"
	patronus "github.com/patronus-sdwan/patronus/api/go"
	"github.com/patronus-sdwan/patronus/api/go/schema"
)

type patronusProvider struct {
	version string
	schema  *schema.Schema
}

// New makes the provider of a schema.
func New(version string, s *schema.Schema) provider.Provider {
	return &patronusProvider{version: version, schema: s}
}

func (p *patronusProvider) Metadata(_ context.Context, _ provider.MetadataRequest, resp *provider.MetadataResponse) {
	resp.TypeName, resp.Version = "patronus", p.version
}

func (p *patronusProvider) Schema(_ context.Context, _ provider.SchemaRequest, resp *provider.SchemaResponse) {
	resp.Schema = providerschema.Schema{
		MarkdownDescription: "Sites, links, fabrics and policies of a Patronus SD-WAN as code. Every argument may come from the environment.",
		Attributes: map[string]providerschema.Attribute{
			"servers": providerschema.ListAttribute{Optional: true, ElementType: types.StringType,
				MarkdownDescription: "Controllers as host:port; any will do, followers forward. Default: `PATRONUS_SERVER`, separated by commas."},
			"credential": providerschema.StringAttribute{Optional: true,
				MarkdownDescription: "Path of the PEM file with certificate, key and CA that `patronusd init` wrote. Default: `PATRONUS_CREDENTIAL`, else `~/.config/patronus/admin.pem`."},
			"credential_pem": providerschema.StringAttribute{Optional: true, Sensitive: true,
				MarkdownDescription: "The same, as text. Goes before `credential`. Default: `PATRONUS_CREDENTIAL_PEM`."},
			"timeout": providerschema.StringAttribute{Optional: true,
				MarkdownDescription: "How long one resource may take where its own `timeouts` say nothing, for example `2m` (the default). A change of leader within it is not noticed."},
		},
	}
}

type providerModel struct {
	Servers       types.List   `tfsdk:"servers"`
	Credential    types.String `tfsdk:"credential"`
	CredentialPEM types.String `tfsdk:"credential_pem"`
	Timeout       types.String `tfsdk:"timeout"`
}

// session is what resources and data sources get from Configure.
type session struct {
	client  *patronus.Client
	timeout time.Duration
	staging *staging // of a run within a change set; else nil
}

const timeoutDefault = 2 * time.Minute

func (p *patronusProvider) Configure(ctx context.Context, req provider.ConfigureRequest, resp *provider.ConfigureResponse) {
	var model providerModel
	if resp.Diagnostics.Append(req.Config.Get(ctx, &model)...); resp.Diagnostics.HasError() {
		return
	}
	if model.Servers.IsUnknown() || model.Credential.IsUnknown() || model.CredentialPEM.IsUnknown() || model.Timeout.IsUnknown() {
		return // a plan before these are known: what needs a server says so
	}
	s := &session{timeout: timeoutDefault}
	if text := model.Timeout.ValueString(); text != "" {
		d, err := time.ParseDuration(text)
		if err != nil || d <= 0 {
			resp.Diagnostics.AddAttributeError(path.Root("timeout"), "Invalid timeout", "'"+text+"' is not a duration; write for example 90s or 2m")
			return
		}
		s.timeout = d
	}
	options := patronus.Options{Schema: p.schema, Credential: model.Credential.ValueString()}
	resp.Diagnostics.Append(model.Servers.ElementsAs(ctx, &options.Servers, false)...)
	if pem := model.CredentialPEM.ValueString(); pem != "" {
		options.PEM = []byte(pem)
	} else if pem := os.Getenv("PATRONUS_CREDENTIAL_PEM"); pem != "" && options.Credential == "" {
		options.PEM = []byte(pem)
	}
	client, err := patronus.Dial(options)
	if err != nil {
		resp.Diagnostics.AddError("The provider cannot be set up", strings.ReplaceAll(strings.ReplaceAll(err.Error(),
			"Options.Servers", "`servers`"), "Options.Credential", "`credential`"))
		return
	}
	s.client = client
	if name := os.Getenv(changeSetVariable); name != "" {
		if s.staging, err = newStaging(ctx, client, name); err != nil {
			resp.Diagnostics.AddError("This run has no change set", err.Error())
			return
		}
	}
	resp.ResourceData, resp.DataSourceData = s, s
}

func (p *patronusProvider) Resources(context.Context) []func() resource.Resource {
	all := []func() resource.Resource{func() resource.Resource { return &callResource{schema: p.schema} }}
	for _, kind := range p.schema.Kinds() {
		if !kind.View && kind.Create != nil {
			all = append(all, func() resource.Resource { return newResource(p.schema, kind) })
		}
	}
	return all
}

func (p *patronusProvider) DataSources(context.Context) []func() datasource.DataSource {
	all := []func() datasource.DataSource{func() datasource.DataSource { return &callSource{schema: p.schema} }}
	for _, kind := range p.schema.Kinds() {
		all = append(all,
			func() datasource.DataSource { return newDataSource(p.schema, kind) },
			func() datasource.DataSource { return newListSource(p.schema, kind) })
	}
	return all
}

func (p *patronusProvider) Functions(context.Context) []func() function.Function {
	return []func() function.Function{
		func() function.Function { return &nameFunction{schema: p.schema} },
		func() function.Function { return &parseFunction{schema: p.schema} },
	}
}
