// Command conformance does the scenarios of tests/clients/conformance with the Terraform provider, through its protocol.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"math/big"
	"os"
	"regexp"
	"strings"

	"github.com/hashicorp/terraform-plugin-go/tftypes"
	"github.com/patronus-sdwan/patronus/api/go/conformance"
	"github.com/patronus-sdwan/patronus/api/go/schema"
	"github.com/patronus-sdwan/patronus/terraform/internal/core"
	"github.com/patronus-sdwan/patronus/terraform/internal/provider"
)

// client remembers what Terraform remembers: a configuration and a state by name.
type client struct {
	usual   *core.Core
	configs map[string]map[string]any
	states  map[string]tftypes.Value
}

func main() {
	if len(os.Args) > 1 && os.Args[1] == "--coverage" {
		if err := coverage(); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(2)
		}
		return
	}
	usual, err := core.New(context.Background(), schema.Default(), map[string]any{})
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(2)
	}
	conformance.Main(&client{usual: usual, configs: map[string]map[string]any{}, states: map[string]tftypes.Value{}})
}

func (c *client) Offers(need string) (bool, string) {
	why, not := map[string]string{
		"update": "a field that cannot change replaces the resource",
		"delete": "deleting what is gone already succeeds",
		"force":  "every resource is deleted by its own state",
		"watch":  "Terraform has no streams",
		"cancel": "Terraform ends its providers by itself",
	}[need]
	return !not, why
}

func (c *client) core(ctx context.Context, step *conformance.Step) (*core.Core, error) {
	config := map[string]any{}
	switch {
	case step.Server == "silent":
		config["servers"] = []any{os.Getenv("PT_SILENT")}
	case step.Server == "none":
		config["servers"] = []any{os.Getenv("PT_NONE")}
	case step.As == "denied":
		config["credential"] = os.Getenv("PT_DENIED")
	default:
		return c.usual, nil
	}
	if step.TimeoutS > 0 {
		config["timeout"] = fmt.Sprintf("%gs", step.TimeoutS)
	}
	return core.New(ctx, schema.Default(), config)
}

func (c *client) Do(ctx context.Context, step *conformance.Step, _ func() error) (*conformance.Result, error) {
	one, err := c.core(ctx, step)
	if err != nil {
		return nil, err
	}
	kind := schema.Default().Kind(step.Kind)
	resource := "patronus_" + schema.Snake(kind.Singular)
	switch step.Do {
	case "get":
		if state, known := c.states[step.Name]; known { // `terraform refresh`
			if fresh, diags := one.Read(ctx, resource, state); diags.Err() == nil && !fresh.IsNull() {
				c.states[step.Name] = fresh
			}
		}
		value, diags := one.Data(ctx, resource, map[string]any{"name": step.Name})
		return result(value, diags)
	case "list":
		return c.list(ctx, one, kind, step)
	case "delete":
		return c.delete(ctx, one, resource, step)
	}
	if one.Schemas().ResourceSchemas[resource] == nil {
		return nil, &conformance.Failure{Code: "UNIMPLEMENTED", Text: resource + " is a data source only"}
	}
	return c.write(ctx, one, kind, resource, step)
}

// write is create and update: a plan, and unless it is only to be validated, its application. A step that has read the
// etag goes on from the state that is remembered; another one refreshes it first, as `terraform apply` does.
func (c *client) write(ctx context.Context, one *core.Core, kind *schema.Kind, resource string, step *conformance.Step) (*conformance.Result, error) {
	fields := map[string]any{}
	if err := json.Unmarshal(step.Fields, &fields); err != nil {
		return nil, err
	}
	prior := tftypes.NewValue(one.Type(resource), nil)
	config := map[string]any{"name": step.Name}
	if step.Do == "update" {
		config, prior = maps.Clone(c.configs[step.Name]), c.states[step.Name]
		if step.Etag == "" {
			var diags core.Diagnostics
			if prior, diags = one.Read(ctx, resource, prior); diags.Err() != nil {
				return result(prior, diags)
			}
		}
	}
	for name, value := range fields {
		config[provider.AttributeName(kind, name)] = value
	}
	if missing := c.missing(one, resource, config); missing != "" {
		return nil, &conformance.Failure{Code: "INVALID_ARGUMENT", Reason: "FIELD_REQUIRED", Field: missing, Text: "missing required argument"}
	}
	plan, diags := one.Plan(ctx, resource, prior, core.Value(one.Type(resource), config))
	if diags.Err() != nil || step.ValidateOnly {
		return result(prior, diags)
	}
	state, diags := one.Apply(ctx, plan)
	if diags.Err() == nil {
		c.configs[step.Name], c.states[step.Name] = config, state
	}
	return result(state, diags)
}

// missing is a required argument that is not given: Terraform itself refuses that, before it asks the provider.
func (c *client) missing(one *core.Core, resource string, config map[string]any) string {
	for _, attribute := range one.Schemas().ResourceSchemas[resource].Block.Attributes {
		if _, given := config[attribute.Name]; attribute.Required && !given {
			return attribute.Name
		}
	}
	return ""
}

func (c *client) delete(ctx context.Context, one *core.Core, resource string, step *conformance.Step) (*conformance.Result, error) {
	state, known := c.states[step.Name]
	if !known { // somebody else's: take it over, unless it is gone
		var diags core.Diagnostics
		if state, diags = one.Import(ctx, resource, step.Name); diags.Err() != nil || state.IsNull() {
			return result(state, diags)
		}
	} else if step.Etag == "" {
		var diags core.Diagnostics
		if state, diags = one.Read(ctx, resource, state); diags.Err() != nil || state.IsNull() {
			return result(state, diags)
		}
	}
	diags := one.Delete(ctx, resource, state)
	if diags.Err() == nil {
		delete(c.states, step.Name)
	}
	return result(tftypes.NewValue(one.Type(resource), nil), diags)
}

func (c *client) list(ctx context.Context, one *core.Core, kind *schema.Kind, step *conformance.Step) (*conformance.Result, error) {
	config := map[string]any{"parent": step.Parent}
	if step.Filter != "" {
		config["filter"] = step.Filter
	}
	value, diags := one.Data(ctx, provider.ListName(kind), config)
	out, err := result(value, diags)
	if err != nil {
		return nil, err
	}
	items, _ := out.Fields["items"].([]any)
	out.Names = make([]string, len(items))
	for i := range items {
		out.Names[i] = fmt.Sprint(items[i].(map[string]any)["name"])
	}
	return out, nil
}

var cause = regexp.MustCompile(`\((\w+)(?:, (\w+))?\)$`)

// result is a state as fields, or the first error: its code and reason stand at the end of its text, its field is the
// attribute that it is shown at.
func result(value tftypes.Value, diags core.Diagnostics) (*conformance.Result, error) {
	var all core.Diagnostics
	if errors.As(diags.Err(), &all) {
		failure := &conformance.Failure{Text: all[0].Detail}
		if parts := cause.FindStringSubmatch(all[0].Detail); parts != nil {
			failure.Code, failure.Reason = strings.TrimPrefix(strings.ToUpper(schema.Snake(parts[1])), "_"), parts[2]
		}
		if all[0].Attribute != nil {
			failure.Field = core.PathText(all[0].Attribute)
		}
		if field, _, found := strings.Cut(all[0].Detail, ": "); found && !strings.Contains(field, " ") {
			failure.Field = field // elements of sets have no place of their own
		}
		return nil, failure
	}
	out := &conformance.Result{}
	if fields, ok := plain(value).(map[string]any); ok {
		out.Fields = fields
		out.Etag, _ = fields["etag"].(string)
	}
	return out, nil
}

func plain(value tftypes.Value) any {
	if value.IsNull() || !value.IsKnown() {
		return nil
	}
	switch value.Type().(type) {
	case tftypes.Object, tftypes.Map:
		var children map[string]tftypes.Value
		_ = value.As(&children)
		out := map[string]any{}
		for name, child := range children {
			out[name] = plain(child)
		}
		return out
	case tftypes.List, tftypes.Set:
		var children []tftypes.Value
		_ = value.As(&children)
		out := make([]any, len(children))
		for i := range children {
			out[i] = plain(children[i])
		}
		return out
	}
	if value.Type().Is(tftypes.Number) {
		number := new(big.Float)
		_ = value.As(&number)
		return number.Text('f', -1)
	}
	if value.Type().Is(tftypes.Bool) {
		var b bool
		_ = value.As(&b)
		return b
	}
	var text string
	_ = value.As(&text)
	return text
}

// coverage counts the kinds, and of each the standard methods: all are to be reached by its resource and data sources.
// Other methods are acts, not states; a declarative client has no place for them.
func coverage() error {
	schemas, err := core.Describe(context.Background(), schema.Default())
	if err != nil {
		return err
	}
	covered, total := 0, 0
	call := schemas.ResourceSchemas["patronus_call"] != nil // a kind that is issued, not created, is changed by its methods
	for _, kind := range schema.Default().Kinds() {
		name := "patronus_" + schema.Snake(kind.Singular)
		for _, one := range []struct{ there, reached bool }{
			{true, schemas.DataSourceSchemas[name] != nil},
			{kind.Get != nil, schemas.DataSourceSchemas[name] != nil},
			{kind.List != nil, schemas.DataSourceSchemas[provider.ListName(kind)] != nil},
			{kind.Create != nil, schemas.ResourceSchemas[name] != nil},
			{kind.Update != nil, schemas.ResourceSchemas[name] != nil || call},
			{kind.Delete != nil, schemas.ResourceSchemas[name] != nil || call},
		} {
			if one.there {
				total++
				if one.reached {
					covered++
				}
			}
		}
	}
	// Methods beside the standard ones: patronus_call takes all but those of nodes, which send a stream.
	called, methods, err := provider.Callable(schema.Default())
	if err != nil {
		return err
	}
	fmt.Println("coverage", covered+called, total+methods)
	return nil
}
