// Command driver is the nemesis over real processes: a cluster of controllers in namespaces, a mixed load, seeded faults,
// and a judge of the history. tests/fault/nemesis builds and runs it; docs/simulation.md says what it does and checks.
package main

import (
	"context"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"os/signal"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"
)

type options struct {
	build       string
	work        string
	name        string
	seed        uint64
	controllers int
	clients     int
	watchers    int
	diskMB      int
	duration    time.Duration
	calm        time.Duration
	only        string
	regions     int
	verbose     bool
}

// The main thread stays with main, so that it never goes to the clients' namespace: `lab down` ends who lives there.
func init() { runtime.LockOSThread() }

func main() {
	var o options
	var seconds int
	flag.StringVar(&o.build, "build", "build/dev", "folder of a build")
	flag.StringVar(&o.work, "work", "", "folder for state, logs and the story; kept")
	flag.StringVar(&o.name, "name", "ptnem", "name of the lab")
	flag.Uint64Var(&o.seed, "seed", 1, "of the faults and the load")
	flag.IntVar(&o.controllers, "controllers", 3, "how many controllers")
	flag.IntVar(&o.clients, "clients", 24, "how many clients at once")
	flag.IntVar(&o.watchers, "watchers", 4, "how many streams of changes")
	flag.IntVar(&o.diskMB, "disk", 192, "size of a node's disk, MiB: an hour of audit records wants 1024")
	flag.IntVar(&seconds, "seconds", 60, "how long to strike")
	flag.DurationVar(&o.calm, "calm", 600*time.Millisecond, "mean rest between two faults")
	flag.StringVar(&o.only, "only", "", "only faults whose name holds this")
	flag.IntVar(&o.regions, "regions", 0, "three regions instead: wait for elections, then lose a region so often")
	flag.BoolVar(&o.verbose, "verbose", false, "tell the story on standard error as well")
	flag.Parse()
	o.duration = time.Duration(seconds) * time.Second
	good, err := nemesisRun(o)
	if err != nil {
		fmt.Fprintln(os.Stderr, "nemesis:", err)
		os.Exit(1)
	}
	if !good {
		os.Exit(1)
	}
}

func nemesisRun(o options) (bool, error) {
	if o.only != "" {
		faults = slices.DeleteFunc(faults, func(f fault) bool { return !strings.Contains(f.name, o.only) })
		if len(faults) == 0 {
			return false, fmt.Errorf("no fault's name holds '%s'", o.only)
		}
		for i := range faults {
			faults[i].soft = true // there may be no soft one among them
		}
	}
	work, err := filepath.Abs(o.work)
	if err != nil {
		return false, err
	}
	build, err := filepath.Abs(o.build)
	if err != nil {
		return false, err
	}
	c, err := newCluster(o.name, build, work, o.controllers, o.diskMB, o.verbose)
	if c != nil {
		defer c.close()
	}
	if err != nil {
		return false, err
	}
	interrupted, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	if err := c.found(); err != nil {
		return false, err
	}
	if o.regions > 0 {
		return regionsRun(interrupted, c, o)
	}
	w, err := newWorkload(c, o.clients)
	if err != nil {
		return false, err
	}
	watchers, end := watch(w, o.watchers)
	defer end()
	n := &nemesis{cluster: c, workload: w, random: rand.New(rand.NewPCG(o.seed, 0)), names: map[string]int{}, calm: o.calm}
	var group sync.WaitGroup
	w.widen(int32(o.clients), o.seed, &group)
	failure := strike(interrupted, n, o.duration)
	if interrupted.Err() != nil {
		return false, interrupted.Err()
	}
	mended := n.mend()
	if mended == nil {
		mended = n.settled()
	}
	w.stopped.Store(true)
	group.Wait()
	if mended == nil {
		mended = w.readAll()
	}
	for _, problem := range []error{failure, mended} {
		if problem != nil {
			fmt.Println("problem:", problem)
		}
	}
	return report(n, watchers, failure == nil && mended == nil), nil
}

// watch starts the streams and waits until each is open.
func watch(w *workload, count int) ([]*watcher, context.CancelFunc) {
	ctx, cancel := context.WithCancel(context.Background())
	var list []*watcher
	for i := range count {
		v := newWatcher(w, i%len(w.conns))
		list = append(list, v)
		go v.run(ctx)
	}
	for _, v := range list {
		select {
		case <-v.ready:
		case <-time.After(20 * time.Second):
		}
	}
	return list, cancel
}

func strike(interrupted context.Context, n *nemesis, duration time.Duration) error {
	for end := time.Now().Add(duration); time.Now().Before(end) && interrupted.Err() == nil; {
		if err := n.once(); err != nil {
			return err
		}
	}
	return nil
}

func report(n *nemesis, watchers []*watcher, good bool) bool {
	w := n.workload
	last := uint64(0)
	for _, o := range w.ops {
		last = max(last, o.out.revision)
	}
	missing := 0
	for i, v := range watchers {
		_ = until(80*time.Second, "", func() bool { return v.reached.Load() >= last })
		gaps, wrong := v.judge(w.ops)
		missing += gaps
		for _, text := range wrong {
			fmt.Printf("watcher %d: %s\n", i, text)
			good = false
		}
	}
	began := time.Now()
	v := judge(w.ops, 60*time.Second)
	vague := 0
	for _, o := range w.ops {
		if o.out.outcome == unknown {
			vague++
		}
	}
	for _, key := range v.broken {
		fmt.Printf("key %s has no linear order:\n", keyName(key))
		tell(w.ops, key)
		if path, err := draw(w.ops, key, w.cluster.work); err == nil {
			fmt.Println("drawn in", path)
		}
	}
	var kinds []string
	for name, count := range n.names {
		kinds = append(kinds, fmt.Sprintf("%s %d", name, count))
	}
	slices.Sort(kinds)
	fmt.Printf("faults: %s\n", strings.Join(kinds, ", "))
	fmt.Printf("calls without an answer: %d; longest time without an acknowledged write: %d ms; judged in %.1f s\n",
		vague, w.gapNs/1e6, time.Since(began).Seconds())
	yes := map[bool]string{true: "yes", false: "no"}[v.linearizable && v.timedOut == 0]
	if v.timedOut > 0 {
		fmt.Printf("keys that were not decided in time: %d\n", v.timedOut)
	}
	lost := len(v.lost) + missing
	good = good && yes == "yes" && lost == 0
	figure("nemesis_ops", w.acked.Load(), ">= 1000000", w.acked.Load() >= 1000000)
	figure("nemesis_faults", n.faults, ">= 500", n.faults >= 500)
	figure("nemesis_lost", lost, "= 0", lost == 0)
	figure("nemesis_linearizable", yes, "= yes", yes == "yes")
	return good
}

// tell prints the calls on one key, in the order in which they began.
func tell(ops []op, key int) {
	var list []op
	for _, o := range ops {
		if o.key == key {
			list = append(list, o)
		}
	}
	slices.SortFunc(list, func(a, b op) int { return int(a.called - b.called) })
	for _, o := range list {
		fmt.Printf("  %9.3f %9.3f client %d %s(%d) -> %+v\n", float64(o.called)/1e6, float64(o.ended)/1e6, o.client, verbNames[o.in.verb], o.in.value, o.out)
	}
}

func figure(id string, value any, goal string, met bool) {
	state := map[bool]string{true: "met", false: "short"}[met]
	fmt.Printf("figure %s %v goal %s %s\n", id, value, goal, state)
}
