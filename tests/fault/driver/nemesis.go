package main

import (
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"time"

	"golang.org/x/sys/unix"
)

// A fault is one kind of harm: what it is called, how often it is drawn, and what it does. It holds for a while and is
// mended before it returns; an error means that the cluster did not do what it must.
type fault struct {
	name   string // and the number of docs and design: R1 ...
	weight int
	soft   bool // may run beside another one: it takes nobody away for good
	strike func(*nemesis) error
}

type nemesis struct {
	cluster  *cluster
	workload *workload
	random   *rand.Rand
	faults   int
	names    map[string]int
	calm     time.Duration // mean rest between two faults
}

var faults = []fault{
	{"R1 kill leader", 6, false, func(n *nemesis) error { return n.kill(n.leader()) }},
	{"R1 kill", 4, false, func(n *nemesis) error { return n.kill(n.any()) }},
	{"R1 kill all", 1, false, (*nemesis).killAll},
	{"R2 pause leader", 4, false, func(n *nemesis) error { return n.pause(n.leader()) }},
	{"R2 pause", 3, false, func(n *nemesis) error { return n.pause(n.any()) }},
	{"R3 halves", 3, true, (*nemesis).halves},
	{"R3 isolate leader", 4, true, func(n *nemesis) error { return n.isolate(n.leader()) }},
	{"R3 one way", 3, true, (*nemesis).oneWay},
	{"R3 ring", 2, true, (*nemesis).ring},
	{"R3 flapping", 2, true, (*nemesis).flapping},
	{"R4 bad lines", 4, true, (*nemesis).badLines},
	{"R5 full disk", 4, false, (*nemesis).fullDisk},
	{"R6 failing call", 4, false, (*nemesis).failingCall},
	{"R8 flipped bit", 3, false, (*nemesis).flippedBit},
	{"R9 second process", 1, false, (*nemesis).secondProcess},
	{"R11 slow disk", 4, true, (*nemesis).slowDisk},
	{"R12 hand-over", 4, true, (*nemesis).handOver},
	{"R12 replace", 2, false, func(n *nemesis) error { return n.replace(n.any(), 0) }},
	{"R13 snapshot interrupted", 2, false, func(n *nemesis) error { return n.replace(n.any(), 3) }},
	{"R14 clients cut off", 2, true, (*nemesis).cutClients},
	{"R17 overload", 2, true, (*nemesis).overload},
}

// ---- choosing ----

func (n *nemesis) any() *node { return n.cluster.nodes[n.random.IntN(len(n.cluster.nodes))] }

func (n *nemesis) leader() *node {
	if leader := n.cluster.leader(); leader != nil {
		return leader
	}
	return n.any()
}

func (n *nemesis) draw(soft bool) *fault {
	sum := 0
	for i := range faults {
		if !soft || faults[i].soft {
			sum += faults[i].weight
		}
	}
	dice := n.random.IntN(sum)
	for i := range faults {
		if soft && !faults[i].soft {
			continue
		}
		if dice -= faults[i].weight; dice < 0 {
			return &faults[i]
		}
	}
	panic("the weights do not add up")
}

func (n *nemesis) between(low, high time.Duration) time.Duration {
	return low + time.Duration(n.random.Int64N(int64(high-low)))
}

// hold lets a fault last.
func (n *nemesis) hold(low, high time.Duration) { time.Sleep(n.between(low, high)) }

// ---- processes ----

// revive starts what is down. A node that refuses its data is replaced: its disk was hurt, or it would not refuse.
func (n *nemesis) revive(hurt bool) error {
	for _, m := range n.cluster.nodes {
		if m.alive() {
			continue
		}
		if err := m.restart(); err != nil {
			return err
		}
		if m.await(3 * time.Second) {
			if !hurt {
				return fmt.Errorf("%s does not start: exit code %d, see its log", m.name, m.code)
			}
			n.cluster.say("%s refuses its data and is replaced", m.name)
			if err := n.replace(m, 0); err != nil {
				return err
			}
		}
	}
	return nil
}

func (n *nemesis) kill(m *node) error {
	n.cluster.say("kill -9 %s", m.name)
	m.kill()
	n.hold(100*time.Millisecond, 2*time.Second)
	return n.revive(false)
}

func (n *nemesis) killAll() error {
	n.cluster.say("kill -9 all")
	for _, m := range n.cluster.nodes {
		m.kill()
	}
	return n.revive(false)
}

func (n *nemesis) pause(m *node) error {
	n.cluster.say("pause %s", m.name)
	m.signal(unix.SIGSTOP)
	n.hold(300*time.Millisecond, 4*time.Second)
	m.signal(unix.SIGCONT)
	return nil
}

// secondProcess starts another daemon on the folder of one that runs: it must say so and go.
func (n *nemesis) secondProcess() error {
	m := n.any()
	n.cluster.say("a second process on the folder of %s", m.name)
	ended := make(chan error, 1)
	second := exec.Command("nsenter", "--net="+n.cluster.netns(m.name), n.cluster.build+"/bin/patronusd", "run", "--data", m.disk.data(), "--seal-key", n.cluster.work+"/"+m.id+".seal")
	if err := second.Start(); err != nil {
		return err
	}
	go func() { ended <- second.Wait() }()
	select {
	case err := <-ended:
		if err == nil {
			return fmt.Errorf("a second process on the folder of %s ended well", m.name)
		}
		return nil
	case <-time.After(10 * time.Second):
		_ = second.Process.Kill()
		return fmt.Errorf("a second process on the folder of %s goes on", m.name)
	}
}

// ---- lines ----

// block drops what comes from the addresses at the node, by a table of its own in the node's namespace.
func (n *nemesis) block(at string, from ...string) {
	rules := "table inet nemesis {\nchain in {\ntype filter hook input priority 0;\nip saddr { " + strings.Join(from, ", ") + " } drop\n}\n}\n"
	command := exec.Command("nsenter", "--net="+n.cluster.netns(at), "nft", "-f", "-")
	command.Stdin = strings.NewReader(rules)
	if out, err := command.CombinedOutput(); err != nil {
		n.cluster.say("nft at %s: %s", at, out)
	}
}

func (n *nemesis) unblock() {
	for _, m := range n.cluster.nodes {
		_, _ = run("nsenter", "--net="+n.cluster.netns(m.name), "nft", "delete", "table", "inet", "nemesis") // where there is one
	}
	_, _ = run("nsenter", "--net="+n.cluster.netns(clientNode), "nft", "delete", "table", "inet", "nemesis")
}

func addresses(nodes []*node) []string {
	var list []string
	for _, m := range nodes {
		list = append(list, m.address)
	}
	return list
}

func (n *nemesis) part(a, b []*node) {
	for _, m := range a {
		n.block(m.name, addresses(b)...)
	}
	for _, m := range b {
		n.block(m.name, addresses(a)...)
	}
}

func (n *nemesis) shuffled() []*node {
	list := slices.Clone(n.cluster.nodes)
	n.random.Shuffle(len(list), func(i, j int) { list[i], list[j] = list[j], list[i] })
	return list
}

func (n *nemesis) halves() error {
	list := n.shuffled()
	at := 1 + n.random.IntN(len(list)-1)
	n.cluster.say("part %v from %v", names(list[:at]), names(list[at:]))
	n.part(list[:at], list[at:])
	n.hold(300*time.Millisecond, 5*time.Second)
	n.unblock()
	return nil
}

func names(nodes []*node) []string {
	var list []string
	for _, m := range nodes {
		list = append(list, m.name)
	}
	return list
}

func (n *nemesis) isolate(m *node) error {
	n.cluster.say("isolate %s from the others, not from clients", m.name)
	var others []*node
	for _, other := range n.cluster.nodes {
		if other != m {
			others = append(others, other)
		}
	}
	n.part([]*node{m}, others)
	n.hold(300*time.Millisecond, 5*time.Second)
	n.unblock()
	return nil
}

func (n *nemesis) oneWay() error {
	list := n.shuffled()
	n.cluster.say("%s does not hear %s", list[0].name, list[1].name)
	n.block(list[0].name, list[1].address)
	n.hold(300*time.Millisecond, 5*time.Second)
	n.unblock()
	return nil
}

// ring leaves each node its two neighbours; of three nodes, one pair does not hear each other.
func (n *nemesis) ring() error {
	list := n.shuffled()
	n.cluster.say("ring %v", names(list))
	for i, m := range list {
		var far []*node
		for j, other := range list {
			distance := (j - i + len(list)) % len(list)
			if (len(list) == 3 && i+j == 1) || (len(list) > 3 && distance > 1 && distance < len(list)-1) {
				far = append(far, other)
			}
		}
		if len(far) > 0 {
			n.block(m.name, addresses(far)...)
		}
	}
	n.hold(300*time.Millisecond, 5*time.Second)
	n.unblock()
	return nil
}

func (n *nemesis) flapping() error {
	m := n.any()
	n.cluster.say("the line of %s flaps", m.name)
	for range 5 + n.random.IntN(15) {
		_, _ = n.cluster.lab("link", "cut", m.name+"/*")
		time.Sleep(100 * time.Millisecond)
		_, _ = n.cluster.lab("link", "restore", m.name+"/*")
		time.Sleep(100 * time.Millisecond)
	}
	return nil
}

func (n *nemesis) badLines() error {
	kinds := [][]string{{"loss=10%"}, {"loss=30%"}, {"delay=80ms", "jitter=40ms"}, {"delay=20ms", "reorder=20%"}, {"rate=64kbit"}, {"loss=5%", "delay=30ms", "jitter=20ms", "reorder=5%"}}
	words := kinds[n.random.IntN(len(kinds))]
	which := "c*/*"
	if n.random.IntN(2) == 0 {
		which = n.any().name + "/*"
	}
	n.cluster.say("lines %s: %v", which, words)
	if _, err := n.cluster.lab("link", append([]string{"set", which}, words...)...); err != nil {
		return err
	}
	n.hold(time.Second, 5*time.Second)
	_, err := n.cluster.lab("link", "set", which, "delay=1ms", "jitter=0", "loss=0%", "reorder=0%", "rate=off")
	return err
}

func (n *nemesis) cutClients() error {
	n.cluster.say("clients are cut off")
	n.block(clientNode, addresses(n.cluster.nodes)...)
	n.hold(time.Second, 4*time.Second)
	n.unblock()
	return nil
}

// ---- disks ----

func (n *nemesis) fullDisk() error {
	victims := n.shuffled()[:1]
	switch n.random.IntN(3) {
	case 0:
		victims = []*node{n.leader()}
	case 1:
		victims = n.shuffled()[:len(n.cluster.nodes)/2+1]
	}
	n.cluster.say("disks full: %v", names(victims))
	for _, m := range victims {
		m.expect(true) // it may stop: nothing more can be made durable
		if err := m.disk.fill(int64(n.random.IntN(1 << 20))); err != nil {
			return err
		}
	}
	n.hold(2*time.Second, 5*time.Second)
	for _, m := range victims {
		m.disk.drain()
	}
	if err := n.revive(false); err != nil {
		return err
	}
	for _, m := range victims {
		m.expect(false)
	}
	return nil
}

// failingCall makes one call on a disk fail. The node must stop, and not acknowledge anything that hangs on that call.
func (n *nemesis) failingCall() error {
	m := n.any()
	if n.random.IntN(2) == 0 {
		m = n.leader()
	}
	nth := uint32(1 + n.random.IntN(200))
	n.cluster.say("call %d of the disk of %s fails", nth, m.name)
	m.expect(true)
	before := m.disk.failed()
	m.disk.fail(nth)
	_ = until(4*time.Second, "", func() bool { return m.disk.failed() > before }) // a quiet follower makes few calls
	m.disk.fail(0)
	if m.disk.failed() > before && !m.await(3*time.Second) {
		n.cluster.say("%s goes on after a failed call", m.name) // one whose outcome nothing hangs on
	}
	err := n.revive(false)
	m.expect(false)
	return err
}

func (n *nemesis) slowDisk() error {
	m := n.any()
	if n.random.IntN(2) == 0 {
		m = n.leader()
	}
	ms := uint32(10 + n.random.IntN(490))
	n.cluster.say("each sync of %s takes %d ms", m.name, ms)
	m.disk.slow(ms)
	n.hold(time.Second, 6*time.Second)
	m.disk.slow(0)
	return nil
}

// flippedBit hurts one file of a node that is down while the others are well. It must be found, or be harmless.
func (n *nemesis) flippedBit() error {
	if err := n.settled(); err != nil {
		return err
	}
	m := n.any()
	m.kill()
	what, err := m.disk.flip(n.random)
	n.cluster.say("a bit of %s flips: %s %v", m.name, what, err)
	m.expect(true)
	if err := m.restart(); err != nil {
		return err
	}
	m.expect(true) // it may find the damage later, and stop
	acked := n.workload.acked.Load()
	return until(240*time.Second, m.name+" runs, or is replaced", func() bool {
		if !m.alive() && n.revive(true) != nil {
			return false
		}
		if !n.whole(acked) {
			return false
		}
		m.expect(false)
		return true
	})
}

// ---- members ----

func (n *nemesis) handOver() error {
	n.cluster.say("leadership is handed over")
	_, _ = n.cluster.ctl("cluster", "transfer") // it may be refused: nobody leads, or nobody is near enough
	return nil
}

// replace takes a controller away and puts a new one with an empty disk in its place. With interruptions it is killed as
// often while it gets its state.
func (n *nemesis) replace(m *node, interruptions int) error {
	n.cluster.say("%s is replaced, killed %d times meanwhile", m.id, interruptions)
	if m.alive() {
		m.kill()
	}
	if err := until(120*time.Second, "the controller "+m.id+" is deleted", func() bool {
		_, err := n.cluster.ctl("delete", "controller", m.id)
		return err == nil || strings.Contains(err.Error(), "NOT_FOUND") || strings.Contains(err.Error(), "not found") || strings.Contains(err.Error(), "no such")
	}); err != nil {
		return err
	}
	if err := m.disk.wipe(); err != nil {
		return err
	}
	m.lives++
	m.id = fmt.Sprintf("%s-%d", m.name, m.lives)
	var group sync.WaitGroup
	if interruptions > 0 {
		group.Add(1)
		go func() {
			defer group.Done()
			for range interruptions {
				time.Sleep(time.Duration(200+50*m.lives%400) * time.Millisecond)
				if m.alive() && folderHolds(m.disk.data()+"/identity") {
					m.kill()
					_ = m.start("run") // alive() tells later when that failed
				}
			}
		}()
	}
	err := m.join()
	group.Wait()
	return err
}

func folderHolds(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

// ---- load ----

func (n *nemesis) overload() error {
	was := n.workload.width.Load()
	n.cluster.say("ten times the clients")
	var group sync.WaitGroup
	n.workload.widen(10*was, n.random.Uint64(), &group)
	n.hold(time.Second, 3*time.Second)
	n.workload.width.Store(was)
	group.Wait()
	return nil
}

// ---- the run ----

// settled waits until every node is up, votes, and a write goes through.
func (n *nemesis) settled() error {
	acked := n.workload.acked.Load()
	return until(240*time.Second, "all nodes are up, one leads, writes go through", func() bool { return n.whole(acked) })
}

// whole says whether every node is up and follows one leader, and more calls were answered than `acked`.
func (n *nemesis) whole(acked int64) bool {
	views := n.cluster.views()
	if len(views) < len(n.cluster.nodes) || n.workload.acked.Load() == acked {
		return false
	}
	for _, v := range views {
		if v.Leader == "" || v.Leader != views[0].Leader || v.State == "quarantined" {
			return false
		}
	}
	return true
}

// once strikes with one fault, one time in three with a soft one beside it.
func (n *nemesis) once() error {
	f := n.draw(false)
	n.faults++
	n.names[f.name]++
	var beside chan error
	if !f.soft && f.name != "R8 flipped bit" && n.random.IntN(3) == 0 {
		g := n.draw(true)
		n.faults++
		n.names[g.name]++
		beside = make(chan error, 1)
		other := &nemesis{cluster: n.cluster, workload: n.workload, random: rand.New(rand.NewPCG(n.random.Uint64(), 7))}
		go func() { beside <- g.strike(other) }()
	}
	err := f.strike(n)
	if beside != nil {
		if other := <-beside; err == nil {
			err = other
		}
	}
	if err != nil {
		return fmt.Errorf("%s: %w", f.name, err)
	}
	n.hold(n.calm/3, n.calm*5/3)
	return nil
}

// mend undoes whatever may still be in force.
func (n *nemesis) mend() error {
	n.unblock()
	for _, m := range n.cluster.nodes {
		m.signal(unix.SIGCONT)
		m.disk.slow(0)
		m.disk.fail(0)
		m.disk.drain()
	}
	_, _ = n.cluster.lab("link", "set", "*", "delay=1ms", "jitter=0", "loss=0%", "reorder=0%", "rate=off", "cut=no")
	return n.revive(false)
}
