// Command property holds the provider to its promises with random configurations, through the protocol, against a real
// cluster: what was applied plans empty, what is imported plans empty, and a drift plans just that.
//
// It takes the cluster from PATRONUS_SERVER and PATRONUS_CREDENTIAL, and prints `failures N` at the end.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"slices"

	"github.com/hashicorp/terraform-plugin-go/tftypes"
	patronus "github.com/patronus-sdwan/patronus/api/go"
	pb "github.com/patronus-sdwan/patronus/api/go/patronus/v1"
	"github.com/patronus-sdwan/patronus/api/go/schema"
	"github.com/patronus-sdwan/patronus/terraform/internal/core"
	"github.com/patronus-sdwan/patronus/terraform/internal/provider"
	"google.golang.org/protobuf/proto"
)

func main() {
	count := flag.Int("count", 500, "configurations")
	seed := flag.Uint64("seed", 1, "of the random numbers")
	kindName := flag.String("kind", "", "this kind only")
	binary := flag.String("binary", "", "do it with this terraform or tofu instead of through the protocol")
	folder := flag.String("provider", "", "folder of terraform-provider-patronus, for --binary")
	flag.Parse()
	var failures int
	var err error
	if *binary == "" {
		failures, err = run(context.Background(), *count, *seed, *kindName)
	} else {
		failures, err = binaries(context.Background(), *binary, *folder, *count, *seed)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(2)
	}
	fmt.Println("failures", failures)
	if failures > 0 {
		os.Exit(1)
	}
}

type world struct {
	ctx    context.Context
	client *patronus.Client
	core   *core.Core
	*generator
}

func run(ctx context.Context, count int, seed uint64, kindName string) (int, error) {
	client, err := patronus.Dial(patronus.Options{})
	if err != nil {
		return 0, err
	}
	defer client.Close()
	c, err := core.New(ctx, client.Schema(), map[string]any{})
	if err != nil {
		return 0, err
	}
	w := &world{ctx: ctx, client: client, core: c, generator: &generator{
		Rand: rand.New(rand.NewPCG(seed, 0)), schema: client.Schema(), org: fmt.Sprintf("organizations/prop-%d", seed), pool: map[string][]string{}}}
	if err := w.fixtures(); err != nil {
		return 0, fmt.Errorf("fixtures: %w", err)
	}
	var kinds []*schema.Kind
	for _, kind := range client.Schema().Kinds() {
		// A controller joins; it is not made.
		if !kind.View && kind.Create != nil && kind.Singular != "controller" && (kindName == "" || kind.Singular == kindName) {
			kinds = append(kinds, kind)
		}
	}
	failures := 0
	for i := range count {
		kind := kinds[i%len(kinds)]
		if err := w.once(kind, i); err != nil {
			failures++
			fmt.Printf("fail %d %s: %v\n", i, kind.Singular, err)
		}
	}
	return failures, patronus.For[*pb.Organization](client).Delete(ctx, w.org, patronus.Force())
}

// fixtures are what random references may name.
func (w *world) fixtures() error {
	org := w.org
	for _, one := range []struct {
		kind, name string
		fields     map[string]any
	}{
		{"organization", org, nil}, {"site", org + "/sites/a", nil}, {"site", org + "/sites/b", nil},
		{"edge", org + "/sites/a/edges/e1", nil}, {"fabric", org + "/fabrics/f", nil},
		{"segment", org + "/segments/g", map[string]any{"fabric": org + "/fabrics/f"}},
		{"slaProfile", org + "/slaProfiles/p", nil},
		{"application", org + "/applications/x", map[string]any{"matches": []any{map[string]any{"protocol": 6}}}},
		{"serviceAccount", org + "/serviceAccounts/ci", nil},
		{"model", org + "/models/m", map[string]any{"purpose": "dpi"}},
	} {
		values := map[string]any{"name": one.name}
		for key, value := range one.fields {
			values[key] = value
		}
		name := "patronus_" + schema.Snake(one.kind)
		plan, diags := w.core.Plan(w.ctx, name, tftypes.NewValue(w.core.Type(name), nil), core.Value(w.core.Type(name), values))
		if diags.Err() == nil {
			_, diags = w.core.Apply(w.ctx, plan)
		}
		if err := diags.Err(); err != nil {
			return fmt.Errorf("%s: %w", one.name, err)
		}
		w.pool[one.kind] = append(w.pool[one.kind], one.name)
	}
	return nil
}

// place is a name for a new resource of the kind.
func (w *world) place(kind *schema.Kind) string {
	id := fmt.Sprintf("r%d", w.unique())
	switch {
	case kind.Parent == nil && kind.Singular == "organization":
		return "organizations/" + w.org[len("organizations/"):] + "-" + id
	case kind.Parent == nil:
		return kind.Plural + "/prop-" + id
	}
	return w.pool[kind.Parent.Singular][0] + "/" + kind.Plural + "/" + id
}

// value of a configuration, whose keys are the names of fields.
func (w *world) value(kind *schema.Kind, fields map[string]any) tftypes.Value {
	values := map[string]any{}
	for field, value := range fields {
		values[provider.AttributeName(kind, field)] = value
	}
	return core.Value(w.core.Type("patronus_"+schema.Snake(kind.Singular)), values)
}

// once: apply, plan empty; import, plan empty; drift, plan shows just that; change, plan empty; delete, gone.
func (w *world) once(kind *schema.Kind, at int) error {
	name := "patronus_" + schema.Snake(kind.Singular)
	values := w.config(kind)
	values["name"] = w.place(kind)
	config := w.value(kind, values)
	state, err := w.apply(name, tftypes.NewValue(w.core.Type(name), nil), config)
	if err != nil {
		return fmt.Errorf("create: %w (%v)", err, values)
	}
	imported, diags := w.core.Import(w.ctx, name, values["name"].(string))
	if err := errors.Join(diags.Err(), w.empty(name, imported, config)); err != nil {
		return fmt.Errorf("import: %w (%v)", err, values)
	}
	if state, err = w.drift(kind, name, state, config, values); err != nil {
		return fmt.Errorf("drift: %w (%v)", err, values)
	}
	changed := w.config(kind)
	for field, value := range values { // what is for ever stays
		if desc := kind.Message.Fields().ByName(pbName(field)); desc != nil && schema.Rules(desc).Immutable {
			changed[field] = value
		}
	}
	for field := range changed {
		if desc := kind.Message.Fields().ByName(pbName(field)); schema.Rules(desc).Immutable {
			if _, was := values[field]; !was {
				delete(changed, field)
			}
		}
	}
	if state, err = w.apply(name, state, w.value(kind, changed)); err != nil {
		return fmt.Errorf("change: %w (%v to %v)", err, values, changed)
	}
	if err := w.core.Delete(w.ctx, name, state).Err(); err != nil {
		return fmt.Errorf("delete: %w", err)
	}
	gone, diags := w.core.Read(w.ctx, name, state)
	if diags.Err() != nil || !gone.IsNull() {
		return fmt.Errorf("it is there after delete: %w", diags.Err())
	}
	return nil
}

// apply plans and applies a configuration, then sees that the next plan is empty.
func (w *world) apply(name string, prior, config tftypes.Value) (tftypes.Value, error) {
	plan, diags := w.core.Plan(w.ctx, name, prior, config)
	if err := diags.Err(); err != nil {
		return prior, fmt.Errorf("plan: %w", err)
	}
	if len(plan.Replace) > 0 {
		return prior, fmt.Errorf("wants to replace for %v", plan.Replace)
	}
	state, diags := w.core.Apply(w.ctx, plan)
	if err := diags.Err(); err != nil {
		return prior, fmt.Errorf("apply: %w", err)
	}
	read, diags := w.core.Read(w.ctx, name, state)
	if err := diags.Err(); err != nil {
		return state, err
	}
	return read, w.empty(name, read, config)
}

func (w *world) empty(name string, state, config tftypes.Value) error {
	plan, diags := w.core.Plan(w.ctx, name, state, config)
	if err := diags.Err(); err != nil {
		return err
	}
	if !plan.Empty() {
		return fmt.Errorf("the plan is not empty: %v", plan.Changed())
	}
	return nil
}

// drift has somebody else change one field; the plan must show that field and no other, and applying it must end there.
func (w *world) drift(kind *schema.Kind, name string, state, config tftypes.Value, values map[string]any) (tftypes.Value, error) {
	collection := w.client.Dynamic(kind)
	resource, err := collection.Get(w.ctx, values["name"].(string))
	if err != nil {
		return state, err
	}
	target := "display_name"
	if w.chance(50) {
		target = "labels"
	}
	before := proto.Clone(resource)
	desc := kind.Message.Fields().ByName(pbName(target))
	if target == "labels" {
		resource.Mutable(desc).Map().Set(stringKey("drift"), stringValue(fmt.Sprint(w.unique())))
	} else {
		resource.Set(desc, stringValue(fmt.Sprint("drift ", w.unique())))
	}
	if proto.Equal(before, resource) {
		return state, errors.New("the drift changes nothing")
	}
	if _, err := collection.Update(w.ctx, resource, patronus.Mask(target)); err != nil {
		return state, err
	}
	read, diags := w.core.Read(w.ctx, name, state)
	if err := diags.Err(); err != nil {
		return state, err
	}
	plan, diags := w.core.Plan(w.ctx, name, read, config)
	if err := diags.Err(); err != nil {
		return read, err
	}
	if changed := plan.Changed(); !slices.Equal(changed, []string{target}) {
		return read, fmt.Errorf("the plan shows %v, not just %s", changed, target)
	}
	return w.apply(name, read, config)
}
