// Package core drives the provider through its protocol, in process, the way Terraform's core does: validate, plan, apply,
// read, import. It holds the provider to the protocol's promises (a plan keeps the configuration, an apply keeps the
// plan), so that tests need no binary for everything but the language.
package core

import (
	"context"
	"fmt"
	"maps"
	"math/big"
	"sort"
	"strings"

	"github.com/hashicorp/terraform-plugin-framework/providerserver"
	"github.com/hashicorp/terraform-plugin-go/tfprotov6"
	"github.com/hashicorp/terraform-plugin-go/tftypes"
	"github.com/patronus-sdwan/patronus/api/go/schema"
	"github.com/patronus-sdwan/patronus/terraform/internal/provider"
)

// Core is one configured provider.
type Core struct {
	server  tfprotov6.ProviderServer
	schemas *tfprotov6.GetProviderSchemaResponse
}

// Diagnostics are errors and warnings; as an error they are the errors.
type Diagnostics []*tfprotov6.Diagnostic

func (d Diagnostics) Error() string {
	var all []string
	for _, one := range d {
		place := ""
		if one.Attribute != nil {
			place = PathText(one.Attribute) + ": "
		}
		all = append(all, place+one.Summary+": "+one.Detail)
	}
	return strings.Join(all, "; ")
}

// Err is nil without errors.
func (d Diagnostics) Err() error {
	var errors Diagnostics
	for _, one := range d {
		if one.Severity == tfprotov6.DiagnosticSeverityError {
			errors = append(errors, one)
		}
	}
	if len(errors) == 0 {
		return nil
	}
	return errors
}

// PathText is an attribute's path as the API writes it: "lan_interfaces[1].prefixes[0]".
func PathText(at *tftypes.AttributePath) string {
	text := ""
	for _, step := range at.Steps() {
		switch s := step.(type) {
		case tftypes.AttributeName:
			text += "." + string(s)
		case tftypes.ElementKeyString:
			text += "." + string(s)
		case tftypes.ElementKeyInt:
			text += fmt.Sprintf("[%d]", int64(s))
		}
	}
	return strings.TrimPrefix(text, ".")
}

// New starts and configures a provider. Configuration as in Value.
func New(ctx context.Context, s *schema.Schema, config map[string]any) (*Core, error) {
	c, err := start(ctx, s)
	if err != nil {
		return nil, err
	}
	server := c.server
	value, err := dynamic(Value(c.schemas.Provider.ValueType(), config))
	if err != nil {
		return nil, err
	}
	configured, err := server.ConfigureProvider(ctx, &tfprotov6.ConfigureProviderRequest{TerraformVersion: "1.8.5", Config: value})
	if err != nil {
		return nil, err
	}
	return c, Diagnostics(configured.Diagnostics).Err()
}

func start(ctx context.Context, s *schema.Schema) (*Core, error) {
	server, err := providerserver.NewProtocol6WithError(provider.New("test", s))()
	if err != nil {
		return nil, err
	}
	c := &Core{server: server}
	if c.schemas, err = server.GetProviderSchema(ctx, &tfprotov6.GetProviderSchemaRequest{}); err != nil {
		return nil, err
	}
	return c, Diagnostics(c.schemas.Diagnostics).Err()
}

// Describe gives the schemas of a provider that is not configured.
func Describe(ctx context.Context, s *schema.Schema) (*tfprotov6.GetProviderSchemaResponse, error) {
	c, err := start(ctx, s)
	if err != nil {
		return nil, err
	}
	return c.schemas, nil
}

// Schemas of the provider.
func (c *Core) Schemas() *tfprotov6.GetProviderSchemaResponse { return c.schemas }

// Type of a resource's values.
func (c *Core) Type(name string) tftypes.Type { return c.schemas.ResourceSchemas[name].ValueType() }

// Value makes a value of plain ones, as JSON gives them; what is not there is null.
func Value(t tftypes.Type, plain any) tftypes.Value {
	if plain == nil {
		return tftypes.NewValue(t, nil)
	}
	switch typed := t.(type) {
	case tftypes.Object:
		given, _ := plain.(map[string]any)
		values := map[string]tftypes.Value{}
		for name, child := range typed.AttributeTypes {
			values[name] = Value(child, given[name])
		}
		return tftypes.NewValue(t, values)
	case tftypes.Map:
		values := map[string]tftypes.Value{}
		for key, one := range plain.(map[string]any) {
			values[key] = Value(typed.ElementType, one)
		}
		return tftypes.NewValue(t, values)
	case tftypes.List:
		return tftypes.NewValue(t, elements(typed.ElementType, plain))
	case tftypes.Set:
		return normal(tftypes.NewValue(t, elements(typed.ElementType, plain)))
	}
	if t.Is(tftypes.Number) {
		number, _, err := big.ParseFloat(fmt.Sprint(plain), 10, 512, big.ToNearestEven)
		if f, ok := plain.(float64); ok {
			number, _, err = big.ParseFloat(fmt.Sprintf("%v", f), 10, 512, big.ToNearestEven)
		}
		if err != nil {
			return tftypes.NewValue(t, tftypes.UnknownValue)
		}
		return tftypes.NewValue(t, number)
	}
	return tftypes.NewValue(t, plain)
}

func elements(t tftypes.Type, plain any) []tftypes.Value {
	given, _ := plain.([]any)
	values := make([]tftypes.Value, len(given))
	for i := range given {
		values[i] = Value(t, given[i])
	}
	return values
}

// normal sorts sets, as core does when it encodes them.
func normal(value tftypes.Value) tftypes.Value {
	out, err := tftypes.Transform(value, func(_ *tftypes.AttributePath, v tftypes.Value) (tftypes.Value, error) {
		if !v.Type().Is(tftypes.Set{}) || v.IsNull() || !v.IsKnown() {
			return v, nil
		}
		var members []tftypes.Value
		if err := v.As(&members); err != nil {
			return v, err
		}
		sort.Slice(members, func(i, j int) bool { return members[i].String() < members[j].String() })
		return tftypes.NewValue(v.Type(), members), nil
	})
	if err != nil {
		return value
	}
	return out
}

func dynamic(value tftypes.Value) (*tfprotov6.DynamicValue, error) {
	out, err := tfprotov6.NewDynamicValue(value.Type(), value)
	return &out, err
}

func (c *Core) decode(name string, value *tfprotov6.DynamicValue) (tftypes.Value, error) {
	out, err := value.Unmarshal(c.Type(name))
	return normal(out), err
}

// Validate a configuration.
func (c *Core) Validate(ctx context.Context, name string, config tftypes.Value) Diagnostics {
	value, err := dynamic(config)
	if err != nil {
		return failed(err)
	}
	resp, err := c.server.ValidateResourceConfig(ctx, &tfprotov6.ValidateResourceConfigRequest{TypeName: name, Config: value,
		ClientCapabilities: &tfprotov6.ValidateResourceConfigClientCapabilities{WriteOnlyAttributesAllowed: true}})
	if err != nil {
		return failed(err)
	}
	return resp.Diagnostics
}

func failed(err error) Diagnostics {
	return Diagnostics{{Severity: tfprotov6.DiagnosticSeverityError, Summary: "protocol", Detail: err.Error()}}
}

// Plan is what the provider wants to do.
type Plan struct {
	Type                   string
	Config, Prior, Planned tftypes.Value
	Replace                []string
	private                []byte
}

// Empty says that nothing would change.
func (p *Plan) Empty() bool { return p.Prior.Equal(p.Planned) && len(p.Replace) == 0 }

// Changed are the attributes that differ, those that are only computed left out.
func (p *Plan) Changed() []string {
	var before, after map[string]tftypes.Value
	_ = p.Prior.As(&before)
	_ = p.Planned.As(&after)
	var names []string
	for name := range after {
		if old := before[name]; !old.Equal(after[name]) && after[name].IsFullyKnown() {
			names = append(names, name)
		}
	}
	sort.Strings(names)
	return names
}

// Plan from a prior state (a null value for none) to a configuration.
func (c *Core) Plan(ctx context.Context, name string, prior, config tftypes.Value) (*Plan, Diagnostics) {
	if diags := c.Validate(ctx, name, config); diags.Err() != nil {
		return nil, diags
	}
	priorValue, err1 := dynamic(prior)
	proposedValue, err2 := dynamic(c.proposed(name, prior, config))
	configValue, err3 := dynamic(config)
	if err1 != nil || err2 != nil || err3 != nil {
		return nil, failed(fmt.Errorf("%v %v %v", err1, err2, err3))
	}
	resp, err := c.server.PlanResourceChange(ctx, &tfprotov6.PlanResourceChangeRequest{TypeName: name, PriorState: priorValue,
		ProposedNewState: proposedValue, Config: configValue})
	if err != nil {
		return nil, failed(err)
	}
	if Diagnostics(resp.Diagnostics).Err() != nil {
		return nil, resp.Diagnostics
	}
	planned, err := c.decode(name, resp.PlannedState)
	if err != nil {
		return nil, failed(err)
	}
	plan := &Plan{Type: name, Config: config, Prior: prior, Planned: planned, private: resp.PlannedPrivate}
	for _, at := range resp.RequiresReplace {
		plan.Replace = append(plan.Replace, PathText(at))
	}
	if wrong := kept(c.schemas.ResourceSchemas[name], config, planned); wrong != "" {
		return nil, failed(fmt.Errorf("the plan does not keep the configuration: %s", wrong))
	}
	return plan, resp.Diagnostics
}

// proposed is the configuration, completed from the prior state where the provider computes.
func (c *Core) proposed(name string, prior, config tftypes.Value) tftypes.Value {
	var before, given map[string]tftypes.Value
	if !prior.IsNull() {
		_ = prior.As(&before)
	}
	_ = config.As(&given)
	given = maps.Clone(given) // As hands out the value's own map
	for _, attribute := range c.schemas.ResourceSchemas[name].Block.Attributes {
		if old, ok := before[attribute.Name]; ok && attribute.Computed && given[attribute.Name].IsNull() {
			given[attribute.Name] = old
		}
		if attribute.WriteOnly {
			given[attribute.Name] = tftypes.NewValue(attribute.ValueType(), nil)
		}
	}
	return tftypes.NewValue(config.Type(), given)
}

// kept finds an attribute whose planned value is not the configured one.
func kept(s *tfprotov6.Schema, config, planned tftypes.Value) string {
	var given, after map[string]tftypes.Value
	_ = config.As(&given)
	_ = planned.As(&after)
	for _, attribute := range s.Block.Attributes {
		value := given[attribute.Name]
		if attribute.WriteOnly || !value.IsFullyKnown() || (value.IsNull() && attribute.Computed) || nested(attribute) {
			continue
		}
		if !value.Equal(after[attribute.Name]) {
			return fmt.Sprintf("%s is %s, configured is %s", attribute.Name, after[attribute.Name], value)
		}
	}
	return ""
}

func nested(attribute *tfprotov6.SchemaAttribute) bool { return attribute.NestedType != nil }

// Apply a plan. The result must agree with it in everything that was known.
func (c *Core) Apply(ctx context.Context, plan *Plan) (tftypes.Value, Diagnostics) {
	prior, err1 := dynamic(plan.Prior)
	planned, err2 := dynamic(plan.Planned)
	config, err3 := dynamic(plan.Config)
	if err1 != nil || err2 != nil || err3 != nil {
		return plan.Prior, failed(fmt.Errorf("%v %v %v", err1, err2, err3))
	}
	resp, err := c.server.ApplyResourceChange(ctx, &tfprotov6.ApplyResourceChangeRequest{TypeName: plan.Type, PriorState: prior,
		PlannedState: planned, Config: config, PlannedPrivate: plan.private})
	if err != nil {
		return plan.Prior, failed(err)
	}
	if Diagnostics(resp.Diagnostics).Err() != nil {
		return plan.Prior, resp.Diagnostics
	}
	state, err := c.decode(plan.Type, resp.NewState)
	if err != nil {
		return plan.Prior, failed(err)
	}
	if wrong := agrees(plan.Planned, state); wrong != "" {
		return state, failed(fmt.Errorf("the result is not what was planned: %s", wrong))
	}
	return state, resp.Diagnostics
}

func agrees(planned, state tftypes.Value) string {
	if planned.IsNull() || state.IsNull() {
		if planned.IsNull() != state.IsNull() {
			return "there and not there"
		}
		return ""
	}
	var want, got map[string]tftypes.Value
	_ = planned.As(&want)
	_ = state.As(&got)
	for name, value := range want {
		if value.IsFullyKnown() && !value.Equal(got[name]) {
			return fmt.Sprintf("%s is %s, planned was %s", name, got[name], value)
		}
	}
	if !state.IsFullyKnown() {
		return "something is unknown after apply"
	}
	return ""
}

// Delete what a state names.
func (c *Core) Delete(ctx context.Context, name string, prior tftypes.Value) Diagnostics {
	nothing := tftypes.NewValue(c.Type(name), nil)
	state, diags := c.Apply(ctx, &Plan{Type: name, Config: nothing, Prior: prior, Planned: nothing})
	if diags.Err() == nil && !state.IsNull() {
		return failed(fmt.Errorf("a state is left after delete"))
	}
	return diags
}

// Read refreshes a state; a null value when the resource is gone.
func (c *Core) Read(ctx context.Context, name string, state tftypes.Value) (tftypes.Value, Diagnostics) {
	value, err := dynamic(state)
	if err != nil {
		return state, failed(err)
	}
	resp, err := c.server.ReadResource(ctx, &tfprotov6.ReadResourceRequest{TypeName: name, CurrentState: value})
	if err != nil {
		return state, failed(err)
	}
	if Diagnostics(resp.Diagnostics).Err() != nil {
		return state, resp.Diagnostics
	}
	read, err := c.decode(name, resp.NewState)
	if err != nil {
		return state, failed(err)
	}
	return read, resp.Diagnostics
}

// Import takes what exists into a state, and reads it.
func (c *Core) Import(ctx context.Context, name, id string) (tftypes.Value, Diagnostics) {
	nothing := tftypes.NewValue(c.Type(name), nil)
	resp, err := c.server.ImportResourceState(ctx, &tfprotov6.ImportResourceStateRequest{TypeName: name, ID: id})
	if err != nil {
		return nothing, failed(err)
	}
	if Diagnostics(resp.Diagnostics).Err() != nil {
		return nothing, resp.Diagnostics
	}
	state, err := c.decode(name, resp.ImportedResources[0].State)
	if err != nil {
		return nothing, failed(err)
	}
	return c.Read(ctx, name, state)
}

// Data reads a data source.
func (c *Core) Data(ctx context.Context, name string, config map[string]any) (tftypes.Value, Diagnostics) {
	t := c.schemas.DataSourceSchemas[name].ValueType()
	value, err := dynamic(Value(t, config))
	if err != nil {
		return tftypes.NewValue(t, nil), failed(err)
	}
	resp, err := c.server.ReadDataSource(ctx, &tfprotov6.ReadDataSourceRequest{TypeName: name, Config: value})
	if err != nil {
		return tftypes.NewValue(t, nil), failed(err)
	}
	if Diagnostics(resp.Diagnostics).Err() != nil {
		return tftypes.NewValue(t, nil), resp.Diagnostics
	}
	out, err := resp.State.Unmarshal(t)
	if err != nil {
		return out, failed(err)
	}
	return out, resp.Diagnostics
}

// Call a function of texts that gives a text.
func (c *Core) Call(ctx context.Context, name string, arguments ...string) (string, error) {
	values := make([]*tfprotov6.DynamicValue, len(arguments))
	for i, argument := range arguments {
		value, err := dynamic(tftypes.NewValue(tftypes.String, argument))
		if err != nil {
			return "", err
		}
		values[i] = value
	}
	resp, err := c.server.CallFunction(ctx, &tfprotov6.CallFunctionRequest{Name: name, Arguments: values})
	if err != nil {
		return "", err
	}
	if resp.Error != nil {
		return "", fmt.Errorf("%s", resp.Error.Text)
	}
	out, err := resp.Result.Unmarshal(tftypes.String)
	var text string
	if err == nil {
		err = out.As(&text)
	}
	return text, err
}

// Offline is a provider that was never configured: it validates and plans by the rules alone.
func Offline(ctx context.Context, s *schema.Schema) (*Core, error) { return start(ctx, s) }
