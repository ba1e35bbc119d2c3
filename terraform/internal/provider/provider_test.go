package provider_test

import (
	"context"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/hashicorp/terraform-plugin-go/tftypes"
	"github.com/patronus-sdwan/patronus/api/go/schema"
	"github.com/patronus-sdwan/patronus/terraform/internal/core"
	"github.com/patronus-sdwan/patronus/terraform/internal/provider"
)

// offline is a provider that is not configured: it checks and plans by the rules alone.
func offline(t *testing.T, s *schema.Schema) *core.Core {
	t.Helper()
	c, err := core.Offline(context.Background(), s)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// refused checks that a configuration is refused at a place, with words that help.
func refused(t *testing.T, c *core.Core, resource string, fields map[string]any, words ...string) {
	t.Helper()
	err := c.Validate(context.Background(), resource, core.Value(c.Type(resource), fields)).Err()
	if err == nil {
		t.Errorf("%v was not refused", fields)
		return
	}
	for _, word := range words {
		if !strings.Contains(err.Error(), word) {
			t.Errorf("%v: '%v' does not say '%s'", fields, err, word)
		}
	}
}

func TestRulesAtPlanTime(t *testing.T) {
	c := offline(t, schema.Default())
	site := func(name string, value any) map[string]any {
		return map[string]any{"name": "organizations/a/sites/b", name: value}
	}
	link := func(name string, value any) map[string]any {
		fields := map[string]any{"name": "organizations/a/sites/b/links/l", "edge": "organizations/a/sites/b/edges/e", "interface": "wan0",
			"address": "192.0.2.1", "underlay": "internet"}
		fields[name] = value
		return fields
	}
	for _, one := range []struct {
		resource string
		fields   map[string]any
		words    []string
	}{
		{"patronus_site", map[string]any{"name": "organizations/a/sites/NYC"}, []string{"name", "'NYC' is not an id"}},
		{"patronus_site", map[string]any{"name": "sites/b"}, []string{"name", "organizations/{organization}/sites/{site}"}},
		{"patronus_site", site("region", "EU 1"), []string{"region", "is not an id"}},
		{"patronus_site", site("admin_state", "ON"), []string{"admin_state", "ACTIVE, DRAINED, MAINTENANCE"}},
		{"patronus_site", site("display_name", strings.Repeat("x", 257)), []string{"display_name", "257 bytes", "256"}},
		{"patronus_site", site("labels", map[string]any{"": "x"}), []string{"labels", "key is empty"}},
		{"patronus_link", link("address", "10.0.0.01"), []string{"address", "is not an IP address"}},
		{"patronus_link", link("address", "2001:DB8::1"), []string{"address", "2001:db8::1"}},
		{"patronus_link", link("edge", "organizations/a/sites/b"), []string{"edge", "edges/{edge}"}},
		{"patronus_link", link("mtu", 9217), []string{"mtu", "0 to 9216 byte"}},
		{"patronus_link", link("mtu", 1.5), []string{"mtu", "whole number"}},
		{"patronus_link", link("underlay", ""), []string{"underlay", "required"}},
		{"patronus_link", link("timeouts", map[string]any{"create": "soon"}), []string{"timeouts.create", "'soon' is not a duration"}},
	} {
		refused(t, c, one.resource, one.fields, one.words...)
	}
	if err := c.Validate(context.Background(), "patronus_link", core.Value(c.Type("patronus_link"), link("mtu", 9216))).Err(); err != nil {
		t.Errorf("a good link is refused: %v", err)
	}
}

func TestUnknownValuesPass(t *testing.T) {
	c := offline(t, schema.Default())
	config := core.Value(c.Type("patronus_segment"), map[string]any{"name": "organizations/a/segments/s"})
	var values map[string]tftypes.Value
	if err := config.As(&values); err != nil {
		t.Fatal(err)
	}
	values["fabric"] = tftypes.NewValue(tftypes.String, tftypes.UnknownValue)
	if err := c.Validate(context.Background(), "patronus_segment", tftypes.NewValue(config.Type(), values)).Err(); err != nil {
		t.Error(err)
	}
}

func TestEveryKindHasItsResourceAndDataSources(t *testing.T) {
	schemas := offline(t, schema.Default()).Schemas()
	for _, kind := range schema.Default().Kinds() {
		name := "patronus_" + schema.Snake(kind.Singular)
		if (schemas.ResourceSchemas[name] == nil) != (kind.Create == nil) {
			t.Errorf("%s: a resource is what can be created", name)
		}
		if schemas.DataSourceSchemas[name] == nil || schemas.DataSourceSchemas[provider.ListName(kind)] == nil {
			t.Errorf("%s has no data source", name)
		}
	}
}

// A kind that stands in no code: tests/clients/generation.sh names the descriptor set.
func TestWidget(t *testing.T) {
	path := os.Getenv("PT_SCHEMA_SET")
	if path == "" {
		t.Skip("PT_SCHEMA_SET is not set (tests/clients/generation.sh sets it)")
	}
	set, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	s, err := schema.Load(set)
	if err != nil {
		t.Fatal(err)
	}
	c := offline(t, s)
	fields := func(name string, value any) map[string]any {
		all := map[string]any{"name": "organizations/a/widgets/w", "place": "organizations/a/sites/b"}
		all[name] = value
		return all
	}
	const widget = "patronus_widget"
	refused(t, c, widget, fields("place", "organizations/a"), "place", "sites/{site}")
	refused(t, c, widget, fields("mode", "SHY"), "mode", "QUIET, LOUD")
	refused(t, c, widget, fields("lifetime", "1.5s"), "lifetime", "1.500s")
	refused(t, c, widget, fields("parts", []any{map[string]any{"label": "a", "pieces": []any{map[string]any{"weight": 101}}}}), "parts[0].pieces[0].weight", "1 to 100 kg")
	both := fields("passphrase", "a")
	both["passphrase_wo"] = "b"
	refused(t, c, widget, both, "exclude each other")

	config := core.Value(c.Type(widget), fields("levels", map[string]any{"a": 1}))
	plan, diags := c.Plan(context.Background(), widget, tftypes.NewValue(c.Type(widget), nil), config)
	if err := diags.Err(); err != nil {
		t.Fatal(err)
	}
	if changed := plan.Changed(); !slices.Contains(changed, "levels") || slices.Contains(changed, "serial") {
		t.Errorf("planned: %v", changed)
	}
}

func TestCallsAreCheckedAtPlanTime(t *testing.T) {
	c := offline(t, schema.Default())
	refused(t, c, "patronus_call", map[string]any{"method": "SiteService.Nope"}, "patronusctl call")
	refused(t, c, "patronus_call", map[string]any{"method": "TrafficEngineeringService.Drain", "request": `{"nome": "x"}`}, "nome")
	refused(t, c, "patronus_call", map[string]any{"method": "EdgeSync.Stream"}, "stream")
	refused(t, c, "patronus_call", map[string]any{"method": "WatchService.Watch", "messages": 0}, "1000")
	called, methods, err := provider.Callable(schema.Default())
	if err != nil || called != methods || methods == 0 {
		t.Errorf("%d of %d methods can be called: %v", called, methods, err)
	}
}
