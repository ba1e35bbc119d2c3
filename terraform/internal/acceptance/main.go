// Command acceptance applies many resources at once, as Terraform does, while the leader of the cluster is killed: every
// one must be there, once, and plan empty. Then it looks at what a user sees of errors, and at data sources.
//
// The cluster is that of PATRONUS_SERVER and PATRONUS_CREDENTIAL; PT_HOOK kills its leader (tests/clients/conformance/hook).
package main

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/hashicorp/terraform-plugin-go/tftypes"
	patronus "github.com/patronus-sdwan/patronus/api/go"
	pb "github.com/patronus-sdwan/patronus/api/go/patronus/v1"
	"github.com/patronus-sdwan/patronus/api/go/schema"
	"github.com/patronus-sdwan/patronus/terraform/internal/core"
)

const (
	org     = "organizations/acceptance"
	sites   = 200
	workers = 10 // Terraform's default parallelism
)

func main() {
	if err := run(context.Background()); err != nil {
		fmt.Println("FAILED:", err)
		os.Exit(1)
	}
}

type test struct {
	ctx    context.Context
	core   *core.Core
	client *patronus.Client
}

func run(ctx context.Context) error {
	c, err := core.New(ctx, schema.Default(), map[string]any{})
	if err != nil {
		return err
	}
	client, err := patronus.Dial(patronus.Options{})
	if err != nil {
		return err
	}
	defer client.Close()
	t := &test{ctx: ctx, core: c, client: client}
	if _, err := t.apply("patronus_organization", map[string]any{"name": org}); err != nil {
		return err
	}
	for _, step := range []struct {
		what string
		do   func() error
	}{
		{"an apply over a killed leader makes everything once, and plans empty", t.leaderKill},
		{"a concurrent change is an error that says who, when and what", t.concurrent},
		{"a plan shows the server's refusal at its attribute", t.planned},
		{"a plan keeps what stands in other tools' fields", t.othersFields},
		{"functions make and take apart names", t.functions},
		{"a call reads in a plan, and acts once", t.calls},
	} {
		if err := step.do(); err != nil {
			return fmt.Errorf("%s: %w", step.what, err)
		}
		fmt.Println("ok:", step.what)
	}
	return patronus.For[*pb.Organization](client).Delete(ctx, org, patronus.Force())
}

func (t *test) config(resource string, fields map[string]any) tftypes.Value {
	return core.Value(t.core.Type(resource), fields)
}

func (t *test) apply(resource string, fields map[string]any) (tftypes.Value, error) {
	plan, diags := t.core.Plan(t.ctx, resource, tftypes.NewValue(t.core.Type(resource), nil), t.config(resource, fields))
	if err := diags.Err(); err != nil {
		return tftypes.Value{}, err
	}
	state, diags := t.core.Apply(t.ctx, plan)
	return state, diags.Err()
}

func hook(words ...string) error {
	command := exec.Command(os.Getenv("PT_HOOK"), words...)
	command.Stderr = os.Stderr
	return command.Run()
}

func (t *test) leaderKill() error {
	var done atomic.Int32
	var group sync.WaitGroup
	work := make(chan int)
	failures := make(chan error, sites+1)
	states := make([]tftypes.Value, sites)
	fields := func(i int) map[string]any {
		return map[string]any{"name": fmt.Sprintf("%s/sites/s%03d", org, i), "location": fmt.Sprint("place ", i)}
	}
	for range workers {
		group.Go(func() {
			for i := range work {
				state, err := t.apply("patronus_site", fields(i))
				if states[i] = state; err != nil {
					failures <- fmt.Errorf("site %d: %w", i, err)
				}
				if done.Add(1) == sites/4 {
					failures <- hook("kill-leader")
				}
			}
		})
	}
	for i := range sites {
		work <- i
	}
	close(work)
	group.Wait()
	close(failures)
	for err := range failures {
		if err != nil {
			return err
		}
	}
	if err := hook("revive"); err != nil {
		return err
	}
	there, err := patronus.For[*pb.Site](t.client).All(t.ctx, org)
	if err != nil || len(there) != sites {
		return fmt.Errorf("%d sites are there, not %d: %w", len(there), sites, err)
	}
	for i := range sites {
		read, diags := t.core.Read(t.ctx, "patronus_site", states[i])
		if err := diags.Err(); err != nil {
			return err
		}
		plan, diags := t.core.Plan(t.ctx, "patronus_site", read, t.config("patronus_site", fields(i)))
		if err := diags.Err(); err != nil || !plan.Empty() {
			return fmt.Errorf("site %d does not plan empty: %w", i, err)
		}
	}
	return nil
}

// contains wants an error with each of the words.
func contains(err error, words ...string) error {
	if err == nil {
		return errors.New("no error where one was due")
	}
	for _, word := range words {
		if !strings.Contains(err.Error(), word) {
			return fmt.Errorf("the error does not say '%s': %w", word, err)
		}
	}
	return nil
}

func (t *test) concurrent() error {
	fields := map[string]any{"name": org + "/sites/raced", "location": "a"}
	state, err := t.apply("patronus_site", fields)
	if err != nil {
		return err
	}
	if err := hook("update", org+"/sites/raced", `{"region": "eu-1"}`); err != nil {
		return err
	}
	fields["location"] = "b"
	plan, diags := t.core.Plan(t.ctx, "patronus_site", state, t.config("patronus_site", fields))
	if err := diags.Err(); err != nil {
		return err
	}
	_, diags = t.core.Apply(t.ctx, plan)
	if err := contains(diags.Err(), "somebody else's change", "was changed by ", "region", " at 20", "ETAG_MISMATCH", "Plan again"); err != nil {
		return err
	}
	site, err := patronus.For[*pb.Site](t.client).Get(t.ctx, org+"/sites/raced")
	if err != nil || site.Location != "a" || site.Region != "eu-1" {
		return fmt.Errorf("the refused change left a trace: %v %w", site, err)
	}
	return nil
}

func (t *test) planned() error {
	_, diags := t.core.Plan(t.ctx, "patronus_application", tftypes.NewValue(t.core.Type("patronus_application"), nil),
		t.config("patronus_application", map[string]any{"name": org + "/applications/a", "matches": []any{map[string]any{"protocol": 1, "ports": []any{map[string]any{"first": 1, "last": 2}}}}}))
	if err := contains(diags.Err(), "matches[0].ports", "protocol 1 has no ports"); err != nil {
		return err
	}
	_, diags = t.core.Plan(t.ctx, "patronus_segment", tftypes.NewValue(t.core.Type("patronus_segment"), nil),
		t.config("patronus_segment", map[string]any{"name": org + "/segments/s", "fabric": org + "/fabrics/later", "prefixes": []any{"10.1.2.3/8"}}))
	return contains(diags.Err(), "prefixes", "10.0.0.0/8")
}

// othersFields: a provider of last year's schema, which does not know the field `timezone`, leaves it alone.
func (t *test) othersFields() error {
	if err := hook("create", org+"/sites/newer", `{"timezone": "Europe/Zurich", "location": "a"}`); err != nil {
		return err
	}
	older, err := without("patronus.v1.Site", "timezone")
	if err != nil {
		return err
	}
	c, err := core.New(t.ctx, older, map[string]any{})
	if err != nil {
		return err
	}
	state, diags := c.Import(t.ctx, "patronus_site", org+"/sites/newer")
	if err := diags.Err(); err != nil {
		return err
	}
	config := func(location string) tftypes.Value {
		return core.Value(c.Type("patronus_site"), map[string]any{"name": org + "/sites/newer", "location": location})
	}
	plan, diags := c.Plan(t.ctx, "patronus_site", state, config("a"))
	if err := diags.Err(); err != nil || !plan.Empty() {
		return fmt.Errorf("an unknown field makes a difference: %w", err)
	}
	if plan, diags = c.Plan(t.ctx, "patronus_site", state, config("b")); diags.Err() != nil {
		return diags.Err()
	}
	if _, diags = c.Apply(t.ctx, plan); diags.Err() != nil {
		return diags.Err()
	}
	site, err := patronus.For[*pb.Site](t.client).Get(t.ctx, org+"/sites/newer")
	if err != nil || site.Timezone != "Europe/Zurich" || site.Location != "b" {
		return fmt.Errorf("the field that the provider does not know was lost: %v %w", site, err)
	}
	return nil
}

func (t *test) functions() error {
	name, err := t.core.Call(t.ctx, "name", "link", "acme", "nyc", "inet0")
	if err != nil || name != "organizations/acme/sites/nyc/links/inet0" {
		return fmt.Errorf("name: %v %w", name, err)
	}
	if _, err = t.core.Call(t.ctx, "name", "link", "acme"); err == nil {
		return errors.New("a name with too few ids was made")
	}
	return nil
}

func (t *test) calls() error {
	value, diags := t.core.Data(t.ctx, "patronus_call", map[string]any{"method": "ClusterService.GetClusterStatus"})
	if err := diags.Err(); err != nil || !strings.Contains(value.String(), "controllers/c1") {
		return fmt.Errorf("the state of the cluster: %v %w", value, err)
	}
	if _, diags = t.core.Data(t.ctx, "patronus_call", map[string]any{"method": "TrafficEngineeringService.Drain"}); diags.Err() == nil {
		return errors.New("a data source changed something")
	}
	if err := hook("create", org+"/sites/called", `{}`); err != nil {
		return err
	}
	fields := map[string]any{"method": "TrafficEngineeringService.Drain", "request": `{"name": "` + org + `/sites/called"}`}
	state, err := t.apply("patronus_call", fields)
	if err != nil {
		return err
	}
	site, err := patronus.For[*pb.Site](t.client).Get(t.ctx, org+"/sites/called")
	if err != nil || site.AdminState != pb.AdminState_DRAINED {
		return fmt.Errorf("the site was not drained: %v %w", site, err)
	}
	plan, diags := t.core.Plan(t.ctx, "patronus_call", state, t.config("patronus_call", fields))
	if err := diags.Err(); err != nil || !plan.Empty() {
		return fmt.Errorf("it would be called again: %w", err)
	}
	return t.upload()
}

// upload calls a method that takes a stream: the request is a list.
func (t *test) upload() error {
	const version = org + "/models/m/versions/v1"
	data := []byte("not much of a model")
	for _, one := range []struct {
		resource string
		fields   map[string]any
	}{
		{"patronus_model", map[string]any{"name": org + "/models/m", "purpose": "dpi"}},
		{"patronus_model_version", map[string]any{"name": version, "digest": fmt.Sprintf("%x", sha256.Sum256(data)), "size_bytes": len(data)}},
		{"patronus_call", map[string]any{"method": "ArtifactService.UploadArtifact",
			"request": fmt.Sprintf(`[{"name": %q, "data": %q}, {"data": %q}]`, version, base64.StdEncoding.EncodeToString(data[:7]), base64.StdEncoding.EncodeToString(data[7:]))}},
	} {
		if _, err := t.apply(one.resource, one.fields); err != nil {
			return fmt.Errorf("%s: %w", one.resource, err)
		}
	}
	found, err := patronus.For[*pb.ModelVersion](t.client).Get(t.ctx, version)
	if err != nil || found.ArtifactState != pb.ArtifactState_STORED {
		return fmt.Errorf("the bytes are not stored: %v %w", found, err)
	}
	return nil
}
