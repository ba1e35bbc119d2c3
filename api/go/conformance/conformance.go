// Package conformance does the scenarios of tests/clients/conformance with a client: the SDK itself, or what is built on it.
package conformance

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"slices"
	"strings"
	"time"
)

// Plan is what tests/clients/conformance/expand writes.
type Plan struct {
	Setup, Teardown []Step
	Scenarios       []Scenario
}

// Scenario is a list of steps that ends at the first one that comes out otherwise than expected.
type Scenario struct {
	ID, Waits string
	Needs     []string
	Steps     []Step
}

// Step is one thing to do; scenarios.json says what the words mean.
type Step struct {
	Do, By, As, Kind, Name, Parent, Filter, Server, Run, Etag string
	Kinds                                                     []string
	Fields                                                    json.RawMessage
	ValidateOnly                                              bool `json:"validate_only"`
	Force                                                     bool
	AllowMissing                                              bool    `json:"allow_missing"`
	SendInitial                                               bool    `json:"send_initial"`
	TimeoutS                                                  float64 `json:"timeout_s"`
	CancelAfterS                                              float64 `json:"cancel_after_s"`
	While                                                     []Step
	Expect                                                    Expect
}

// Expect is the outcome; the zero value is success.
type Expect struct {
	Reason, Field string
	Code          any
	Fields        map[string]any
	Count         *int
	Names, Events []string
	Unchanged     bool
	WithinS       float64 `json:"within_s"`
}

// Result of a step that succeeded.
type Result struct {
	Fields map[string]any // proto JSON in snake_case
	Names  []string       // of a list
	Events []string       // of a watch: "ADDED name"
	Etag   string
}

// Failure is an error as every client can tell it.
type Failure struct{ Code, Reason, Field, Text string }

func (f *Failure) Error() string {
	return fmt.Sprintf("%s %s %s: %s", f.Code, f.Reason, f.Field, f.Text)
}

// Client does one step. `during` does the steps of a watch's `while`, once the watch is under way.
type Client interface {
	// Offers says whether scenarios with this need make sense, and if not, why.
	Offers(need string) (ok bool, why string)
	Do(ctx context.Context, step *Step, during func() error) (*Result, error)
}

type run struct {
	client Client
	etags  map[string]string
}

// Main reads the plan that the first argument names, does it, prints a line for each scenario and ends the process.
func Main(client Client) {
	text, err := os.ReadFile(os.Args[1])
	var plan Plan
	if err == nil {
		err = json.Unmarshal(text, &plan)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "the plan cannot be read:", err)
		os.Exit(2)
	}
	if !plan.run(client, os.Stdout) {
		os.Exit(1)
	}
}

func (p *Plan) run(client Client, out io.Writer) bool {
	r := &run{client: client, etags: map[string]string{}}
	for i := range p.Setup {
		if err := r.other(&p.Setup[i]); err != nil {
			fmt.Fprintln(os.Stderr, "setup:", err)
			return false
		}
	}
	good := true
	for i := range p.Scenarios {
		scenario := &p.Scenarios[i]
		if scenario.Waits != "" {
			continue
		}
		if why, away := r.lacks(scenario); away {
			fmt.Fprintln(out, "n/a", scenario.ID, why)
		} else if err := r.scenario(scenario); err != nil {
			good = false
			r.mend(scenario)
			fmt.Fprintln(out, "fail", scenario.ID, strings.ReplaceAll(err.Error(), "\n", " "))
		} else {
			fmt.Fprintln(out, "pass", scenario.ID)
		}
	}
	for i := range p.Teardown {
		_ = r.other(&p.Teardown[i]) // the cluster ends anyway
	}
	return good
}

// mend revives what a scenario that failed half way may have left dead: the next ones are not to fail for that.
func (r *run) mend(scenario *Scenario) {
	for i := range scenario.Steps {
		for _, step := range append([]Step{scenario.Steps[i]}, scenario.Steps[i].While...) {
			if step.Do == "hook" {
				_ = r.other(&Step{Do: "hook", Run: "revive"}) // when it cannot, the next scenarios say so
				return
			}
		}
	}
}

func (r *run) lacks(scenario *Scenario) (string, bool) {
	for _, need := range scenario.Needs {
		if ok, why := r.client.Offers(need); !ok {
			return why, true
		}
	}
	return "", false
}

func (r *run) scenario(scenario *Scenario) error {
	for i := range scenario.Steps {
		if err := r.step(&scenario.Steps[i]); err != nil {
			return fmt.Errorf("step %d (%s %s): %w", i+1, scenario.Steps[i].Do, scenario.Steps[i].Name, err)
		}
	}
	return nil
}

// other does what is not the client's.
func (r *run) other(step *Step) error {
	words := []string{step.Do, step.Name}
	switch step.Do {
	case "hook":
		words = []string{step.Run}
	case "create", "update":
		words = append(words, string(step.Fields))
	}
	command := exec.Command(os.Getenv("PT_HOOK"), words...)
	var said bytes.Buffer
	command.Stderr = &said
	if err := command.Run(); err != nil {
		return fmt.Errorf("hook %s: %w: %s", strings.Join(words, " "), err, said.String())
	}
	return nil
}

func (r *run) step(step *Step) error {
	if step.By == "other" || step.Do == "hook" {
		return r.other(step)
	}
	if step.Etag == "read" {
		step.Etag = r.etags[step.Name]
	}
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	defer cancel()
	if step.CancelAfterS > 0 {
		timer := time.AfterFunc(time.Duration(step.CancelAfterS*float64(time.Second)), cancel)
		defer timer.Stop()
	}
	before := r.etags[step.Name]
	start := time.Now()
	result, err := r.client.Do(ctx, step, func() error {
		for i := range step.While {
			if err := r.step(&step.While[i]); err != nil {
				return err
			}
		}
		return nil
	})
	if within := step.Expect.WithinS; within > 0 && time.Since(start).Seconds() > within {
		return fmt.Errorf("took %.1f s; at most %.0f", time.Since(start).Seconds(), within)
	}
	if result != nil && result.Etag != "" && !step.ValidateOnly {
		r.etags[step.Name] = result.Etag
	}
	if err != nil || step.Expect.Reason != "" || step.Expect.Code != nil {
		return step.Expect.failure(err)
	}
	return step.Expect.result(result, before)
}

func (e *Expect) failure(err error) error {
	var failure *Failure
	switch {
	case err == nil:
		return fmt.Errorf("succeeded; expected %v %s", e.Code, e.Reason)
	case !errors.As(err, &failure):
		return fmt.Errorf("an error of another kind: %w", err)
	}
	if e.Code == nil && e.Reason == "" {
		return failure
	}
	codes := []string{}
	switch code := e.Code.(type) {
	case string:
		codes = append(codes, code)
	case []any:
		for _, one := range code {
			codes = append(codes, fmt.Sprint(one))
		}
	}
	bad := (len(codes) > 0 && !slices.Contains(codes, failure.Code)) ||
		(e.Reason != "" && e.Reason != failure.Reason) || (e.Field != "" && e.Field != failure.Field)
	if bad {
		return fmt.Errorf("got %w; expected %v %s %s", failure, e.Code, e.Reason, e.Field)
	}
	return nil
}

func (e *Expect) result(result *Result, before string) error {
	for key, want := range e.Fields {
		if !same(want, result.Fields[key]) {
			return fmt.Errorf("%s is %v; expected %v", key, result.Fields[key], want)
		}
	}
	switch {
	case e.Count != nil && len(result.Names) != *e.Count:
		return fmt.Errorf("%d items; expected %d", len(result.Names), *e.Count)
	case e.Count != nil && (!slices.IsSorted(result.Names) || len(slices.Compact(slices.Clone(result.Names))) != *e.Count):
		return errors.New("the items are not each once and in order")
	case e.Names != nil && !slices.Equal(e.Names, result.Names):
		return fmt.Errorf("names %v; expected %v", result.Names, e.Names)
	case e.Events != nil && !slices.Equal(e.Events, result.Events):
		return fmt.Errorf("events %v; expected %v", result.Events, e.Events)
	case e.Unchanged && result.Etag != before:
		return fmt.Errorf("etag %s; expected %s as before", result.Etag, before)
	}
	return nil
}

// same compares proto JSON: an absent value is the default one, whole numbers may be texts.
func same(want, got any) bool {
	switch w := want.(type) {
	case []any:
		g, _ := got.([]any)
		if len(w) != len(g) {
			return false
		}
		for i := range w {
			if !same(w[i], g[i]) {
				return false
			}
		}
		return true
	case map[string]any:
		g, _ := got.(map[string]any)
		for key := range g {
			if _, known := w[key]; !known && !same(nil, g[key]) {
				return false
			}
		}
		for key := range w {
			if !same(w[key], g[key]) {
				return false
			}
		}
		return true
	}
	if want == nil || got == nil {
		return empty(want) && empty(got)
	}
	return fmt.Sprint(want) == fmt.Sprint(got)
}

func empty(value any) bool {
	switch v := value.(type) {
	case nil:
		return true
	case bool:
		return !v
	case string:
		return v == "" || v == "0"
	case float64:
		return v == 0
	case []any:
		return len(v) == 0
	case map[string]any:
		return len(v) == 0
	}
	return false
}
