package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	patronus "github.com/patronus-sdwan/patronus/api/go"
	pb "github.com/patronus-sdwan/patronus/api/go/patronus/v1"
	"github.com/patronus-sdwan/patronus/api/go/schema"
	"github.com/patronus-sdwan/patronus/terraform/internal/core"
	"github.com/patronus-sdwan/patronus/terraform/internal/provider"
)

// terraform is a working folder and the binary, Terraform's or OpenTofu's, with the provider taken from a folder.
type terraform struct {
	binary, folder string
	env            []string
}

func newTerraform(binary, providerFolder, folder string) (*terraform, error) {
	// Both registries' addresses: OpenTofu has its own default.
	rc := fmt.Sprintf("provider_installation {\n  dev_overrides {\n    \"registry.terraform.io/patronus-sdwan/patronus\" = %q\n"+
		"    \"registry.opentofu.org/patronus-sdwan/patronus\" = %q\n  }\n}\ndisable_checkpoint = true\n", providerFolder, providerFolder)
	path := filepath.Join(folder, "cli.tfrc")
	if err := os.WriteFile(path, []byte(rc), 0o600); err != nil {
		return nil, err
	}
	return &terraform{binary: binary, folder: folder, env: append(os.Environ(), "TF_CLI_CONFIG_FILE="+path, "TF_IN_AUTOMATION=1", "CHECKPOINT_DISABLE=1")}, nil
}

func (t *terraform) run(words ...string) ([]byte, error) {
	command := exec.Command(t.binary, words...)
	command.Dir, command.Env = t.folder, t.env
	var said bytes.Buffer
	command.Stderr = &said
	out, err := command.Output()
	if err != nil {
		return out, fmt.Errorf("%s: %w: %s%s", strings.Join(words, " "), err, said.String(), last(out))
	}
	return out, nil
}

func last(out []byte) string { return string(out[max(0, len(out)-2000):]) }

// escape makes templates of JSON configuration plain text.
func escape(value any) any {
	switch v := value.(type) {
	case string:
		return strings.NewReplacer("${", "$${", "%{", "%%{").Replace(v)
	case []any:
		out := make([]any, len(v))
		for i := range v {
			out[i] = escape(v[i])
		}
		return out
	case map[string]any:
		out := map[string]any{}
		for key := range v {
			out[escape(key).(string)] = escape(v[key])
		}
		return out
	}
	return value
}

func (t *terraform) write(name string, content any) error {
	text, err := json.Marshal(content)
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(t.folder, name), text, 0o600)
}

// changes of a plan: the fields that would change, by address; imports are no change.
func (t *terraform) changes() (map[string][]string, error) {
	if _, err := t.run("plan", "-no-color", "-input=false", "-out=plan"); err != nil {
		return nil, err
	}
	text, err := t.run("show", "-json", "plan")
	if err != nil {
		return nil, err
	}
	var plan struct {
		Changes []struct {
			Address string
			Change  struct {
				Actions       []string
				Before, After map[string]any
				Unknown       map[string]any `json:"after_unknown"`
			}
		} `json:"resource_changes"`
	}
	if err := json.Unmarshal(text, &plan); err != nil {
		return nil, err
	}
	found := map[string][]string{}
	for _, one := range plan.Changes {
		if len(one.Change.Actions) == 1 && one.Change.Actions[0] == "no-op" {
			continue
		}
		fields := []string{}
		for field, after := range one.Change.After {
			if unknown, _ := one.Change.Unknown[field].(bool); !unknown && fmt.Sprint(after) != fmt.Sprint(one.Change.Before[field]) {
				fields = append(fields, field)
			}
		}
		found[one.Address] = append(fields, strings.Join(one.Change.Actions, "+"))
	}
	return found, nil
}

// binaries does with a real binary what `run` does through the protocol, with all configurations in one working folder.
func binaries(ctx context.Context, binary, providerFolder string, count int, seed uint64) (failures int, err error) {
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
		Rand: rand.New(rand.NewPCG(seed, 1)), schema: client.Schema(), org: fmt.Sprintf("organizations/binary-%d", seed), pool: map[string][]string{}}}
	if err := w.fixtures(); err != nil {
		return 0, err
	}
	folder, err := os.MkdirTemp("", "patronus-terraform-")
	if err != nil {
		return 0, err
	}
	defer os.RemoveAll(folder)
	t, err := newTerraform(binary, providerFolder, folder)
	if err != nil {
		return 0, err
	}
	b := &binaryRun{world: w, terraform: t, names: map[string]string{}, kinds: map[string]*schema.Kind{}}
	if err := b.configure(count); err != nil {
		return 0, err
	}
	for _, step := range []struct {
		what string
		do   func() (int, error)
	}{{"apply", b.apply}, {"import", b.imports}, {"drift", b.drifts}, {"destroy", b.destroy}} {
		bad, err := step.do()
		if err != nil {
			return failures, fmt.Errorf("%s: %w", step.what, err)
		}
		failures += bad
	}
	return failures, patronus.For[*pb.Organization](client).Delete(ctx, w.org, patronus.Force())
}

type binaryRun struct {
	*world
	*terraform
	names map[string]string // resource name by address
	kinds map[string]*schema.Kind
}

func (b *binaryRun) configure(count int) error {
	resources := map[string]map[string]any{}
	var kinds []*schema.Kind
	for _, kind := range b.client.Schema().Kinds() {
		if !kind.View && kind.Create != nil && kind.Singular != "controller" {
			kinds = append(kinds, kind)
		}
	}
	for i := range count {
		kind := kinds[i%len(kinds)]
		resource, label := "patronus_"+schema.Snake(kind.Singular), fmt.Sprintf("r%d", i)
		values := map[string]any{"name": b.place(kind)}
		for field, value := range b.config(kind) {
			values[provider.AttributeName(kind, field)] = escape(value)
		}
		if resources[resource] == nil {
			resources[resource] = map[string]any{}
		}
		resources[resource][label] = values
		b.names[resource+"."+label], b.kinds[resource+"."+label] = values["name"].(string), kind
	}
	return errors.Join(
		b.write("resources.tf.json", map[string]any{"resource": resources}),
		b.write("provider.tf.json", map[string]any{"terraform": map[string]any{"required_providers": map[string]any{"patronus": map[string]any{"source": "patronus-sdwan/patronus"}}}}))
}

// count of the changes that are left, each said.
func (b *binaryRun) left(when string) (int, error) {
	changes, err := b.changes()
	for address, fields := range changes {
		fmt.Printf("fail binary %s: %s wants %v\n", when, address, fields)
	}
	return len(changes), err
}

func (b *binaryRun) apply() (int, error) {
	if _, err := b.terraform.run("apply", "-no-color", "-input=false", "-auto-approve"); err != nil {
		return 0, err
	}
	return b.left("after apply")
}

// imports forgets everything and takes it over again from what runs.
func (b *binaryRun) imports() (int, error) {
	if err := os.Remove(filepath.Join(b.folder, "terraform.tfstate")); err != nil {
		return 0, err
	}
	var blocks []any
	for address, name := range b.names {
		blocks = append(blocks, map[string]any{"to": address, "id": name})
	}
	if err := b.write("imports.tf.json", map[string]any{"import": blocks}); err != nil {
		return 0, err
	}
	bad, err := b.left("at import")
	if err != nil {
		return bad, err
	}
	if _, err := b.terraform.run("apply", "-no-color", "-input=false", "plan"); err != nil {
		return bad, err
	}
	if err := os.Remove(filepath.Join(b.folder, "imports.tf.json")); err != nil {
		return bad, err
	}
	more, err := b.left("after import")
	return bad + more, err
}

// drifts changes every resource behind Terraform's back; the plan must show just that.
func (b *binaryRun) drifts() (int, error) {
	for address, name := range b.names {
		kind := b.kinds[address]
		collection := b.client.Dynamic(kind)
		resource, err := collection.New()
		if err != nil {
			return 0, err
		}
		resource.Set(kind.Message.Fields().ByName("name"), stringValue(name))
		resource.Set(kind.Message.Fields().ByName("display_name"), stringValue("drifted"))
		if _, err := collection.Update(b.ctx, resource, patronus.Mask("display_name")); err != nil {
			return 0, err
		}
	}
	changes, err := b.changes()
	if err != nil {
		return 0, err
	}
	bad := 0
	for address := range b.names {
		if fields := changes[address]; len(fields) != 2 || fields[0] != "display_name" || fields[1] != "update" {
			bad++
			fmt.Printf("fail binary drift: %s wants %v\n", address, fields)
		}
	}
	if _, err := b.terraform.run("apply", "-no-color", "-input=false", "plan"); err != nil {
		return bad, err
	}
	more, err := b.left("after drift")
	return bad + more, err
}

func (b *binaryRun) destroy() (int, error) {
	if _, err := b.terraform.run("destroy", "-no-color", "-input=false", "-auto-approve"); err != nil {
		return 0, err
	}
	bad := 0
	for address, name := range b.names {
		if _, err := b.client.Dynamic(b.kinds[address]).Get(b.ctx, name); !errors.As(err, new(patronus.ErrResourceNotFound)) {
			bad++
			fmt.Printf("fail binary destroy: %s is there: %v\n", name, err)
		}
	}
	return bad, nil
}
