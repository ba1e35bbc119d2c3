package main

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"time"

	"golang.org/x/sys/unix"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/keepalive"
)

// A cluster is real controllers in namespaces of a lab, each behind a relayed line of its own, and a client host.
type cluster struct {
	name, build, work string
	nodes             []*node
	credential        string
	verbose           bool

	mu    sync.Mutex
	story *os.File
}

type node struct {
	cluster *cluster
	name    string // of the namespace: c1 ...
	id      string // of the controller resource; another one after each replacement
	address string
	lives   int
	disk    *disk

	mu        sync.Mutex
	process   *exec.Cmd
	ended     chan struct{} // closed when the process has ended
	code      int
	expectEnd bool // a fault of ours is the reason when it ends
}

const clientNode = "ops"

func (c *cluster) say(format string, args ...any) {
	c.mu.Lock()
	defer c.mu.Unlock()
	line := time.Now().Format("15:04:05.000 ") + fmt.Sprintf(format, args...)
	fmt.Fprintln(c.story, line)
	if c.verbose {
		fmt.Fprintln(os.Stderr, line)
	}
}

func (c *cluster) ctlPath() string { return filepath.Join(c.build, "bin/patronusctl") }

func run(words ...string) (string, error) {
	out, err := exec.Command(words[0], words[1:]...).CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("%s: %w: %s", strings.Join(words, " "), err, strings.TrimSpace(string(out)))
	}
	return string(out), nil
}

func (c *cluster) lab(verb string, words ...string) (string, error) {
	return run(append([]string{c.ctlPath(), "lab", verb, "--name", c.name}, words...)...)
}

// ctl runs the CLI at the client's host, against all controllers.
func (c *cluster) ctl(words ...string) (string, error) {
	head := []string{"nsenter", "--net=" + c.netns(clientNode), c.ctlPath(), "--server", strings.Join(c.servers(), ","), "--credential", c.credential, "-t", "8s"}
	return run(append(head, words...)...)
}

func (c *cluster) netns(node string) string { return "/run/netns/" + c.name + "-" + node }

func (c *cluster) servers() []string {
	var list []string
	for _, n := range c.nodes {
		list = append(list, n.address+":7400")
	}
	return list
}

func newCluster(name, build, work string, controllers, diskMB int, verbose bool) (*cluster, error) {
	story, err := os.Create(filepath.Join(work, "story"))
	if err != nil {
		return nil, err
	}
	c := &cluster{name: name, build: build, work: work, credential: filepath.Join(work, "admin.pem"), verbose: verbose, story: story}
	topology := "default delay=1ms\n"
	for i := 1; i <= controllers; i++ {
		topology += fmt.Sprintf("controller c%d\nlink net\n", i)
	}
	topology += "controller " + clientNode + "\nlink net\n"
	file := filepath.Join(work, "lab")
	if err := os.WriteFile(file, []byte(topology), 0o600); err != nil {
		return nil, err
	}
	if _, err := c.lab("up", file); err != nil {
		return c, err
	}
	text, err := c.lab("export", "--json")
	if err != nil {
		return c, err
	}
	var facts struct {
		Nodes []struct {
			Name  string
			Links []struct{ Address string }
		}
	}
	if err := json.Unmarshal([]byte(text), &facts); err != nil {
		return c, fmt.Errorf("the lab's export: %w", err)
	}
	for _, fact := range facts.Nodes {
		if fact.Name == clientNode || len(fact.Links) == 0 {
			continue
		}
		address, _, _ := strings.Cut(fact.Links[0].Address, "/")
		n := &node{cluster: c, name: fact.Name, id: fact.Name, address: address}
		if n.disk, err = newDisk(filepath.Join(work, fact.Name), diskMB); err != nil {
			return c, err
		}
		c.nodes = append(c.nodes, n)
	}
	return c, nil
}

// found makes the cluster: the first node's init, the others' join as voters.
func (c *cluster) found() error {
	first := c.nodes[0]
	if err := first.start("init", "--id", first.id, "--address", first.address, "--admin-file", c.credential); err != nil {
		return err
	}
	if err := until(80*time.Second, "the first controller answers", func() bool { _, err := c.ctl("cluster", "status"); return err == nil }); err != nil {
		return err
	}
	for _, n := range c.nodes[1:] {
		if err := n.join(); err != nil {
			return err
		}
	}
	var documents strings.Builder
	for i := range tenants {
		fmt.Fprintf(&documents, "---\nkind: Organization\nname: organizations/%s\ntier: ENTERPRISE\n", tenantName(i))
	}
	file := filepath.Join(c.work, "tenants.yaml")
	if err := os.WriteFile(file, []byte(documents.String()), 0o600); err != nil {
		return err
	}
	_, err := c.ctl("apply", "-f", file)
	return err
}

func (c *cluster) close() {
	for _, n := range c.nodes {
		n.signal(unix.SIGCONT)
		n.kill()
	}
	_, _ = c.lab("down")
	for _, n := range c.nodes {
		n.disk.close()
	}
	_ = c.story.Close()
}

// view is what a controller says of the cluster.
type view struct {
	Leader      string
	State       string `json:"raftState"`
	Term        uint64 `json:",string"`
	Controllers []struct {
		Name string
		Role string
	}
}

func (c *cluster) views() []view {
	text, err := c.ctl("cluster", "status", "-o", "json")
	if err != nil && text == "" {
		return nil
	}
	var answer struct {
		Controllers []struct{ Status view }
	}
	if json.Unmarshal([]byte(text), &answer) != nil {
		return nil
	}
	var list []view
	for _, one := range answer.Controllers {
		list = append(list, one.Status)
	}
	return list
}

// leader is who most say it is; nil when nobody knows.
func (c *cluster) leader() *node {
	votes := map[string]int{}
	for _, v := range c.views() {
		votes[strings.TrimPrefix(v.Leader, "controllers/")]++
	}
	var best *node
	for _, n := range c.nodes {
		if votes[n.id] > 0 && (best == nil || votes[n.id] > votes[best.id]) {
			best = n
		}
	}
	return best
}

func (c *cluster) isVoter(id string) bool {
	for _, v := range c.views() {
		for _, member := range v.Controllers {
			if member.Name == "controllers/"+id && member.Role == "voter" {
				return true
			}
		}
	}
	return false
}

// until waits for a condition; nothing in the driver waits for time alone but the faults themselves.
func until(limit time.Duration, what string, condition func() bool) error {
	for end := time.Now().Add(limit); !condition(); time.Sleep(50 * time.Millisecond) {
		if time.Now().After(end) {
			return fmt.Errorf("waited %v in vain: %s", limit, what)
		}
	}
	return nil
}

// start runs patronusd in the node's namespace with the fault library over its disk.
func (n *node) start(words ...string) error {
	n.mu.Lock()
	defer n.mu.Unlock()
	log, err := os.OpenFile(filepath.Join(n.cluster.work, n.name+".log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	defer log.Close()
	all := append([]string{"--net=" + n.cluster.netns(n.name), filepath.Join(n.cluster.build, "bin/patronusd")}, words...)
	all = append(all, "--data", n.disk.data(), "--seal-key", filepath.Join(n.cluster.work, n.id+".seal"))
	process := exec.Command("nsenter", all...)
	process.Stdout, process.Stderr = log, log
	process.Env = append(os.Environ(), "LD_PRELOAD="+filepath.Join(n.cluster.build, "fault/libpt_disk_fault.so"),
		"PT_FAULT_CONTROL="+n.disk.control, "PT_FAULT_FOLDER="+n.disk.folder)
	if err := process.Start(); err != nil {
		return err
	}
	ended := make(chan struct{})
	n.process, n.ended, n.expectEnd = process, ended, false
	go func() {
		_ = process.Wait() // the code says it
		n.mu.Lock()
		n.code = process.ProcessState.ExitCode()
		if !n.expectEnd {
			n.cluster.say("%s ended by itself: exit code %d", n.name, n.code)
		}
		n.mu.Unlock()
		close(ended)
	}()
	return nil
}

func (n *node) restart() error {
	n.lives++
	return n.start("run")
}

// join enrols the node as a voter under its id.
func (n *node) join() error {
	token, err := n.cluster.ctl("tokens", "create", "--role", "voter")
	if err != nil {
		return err
	}
	at := strings.Index(token, "pt1.")
	if at < 0 {
		return errors.New("no token in: " + token)
	}
	token = strings.Fields(token[at:])[0]
	if err := n.start("join", token, "--id", n.id, "--address", n.address); err != nil {
		return err
	}
	return until(160*time.Second, n.id+" becomes a voter", func() bool { return n.cluster.isVoter(n.id) })
}

func (n *node) alive() bool {
	n.mu.Lock()
	ended := n.ended
	n.mu.Unlock()
	if ended == nil {
		return false
	}
	select {
	case <-ended:
		return false
	default:
		return true
	}
}

func (n *node) expect(end bool) {
	n.mu.Lock()
	n.expectEnd = end
	n.mu.Unlock()
}

func (n *node) signal(signal unix.Signal) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.process != nil && n.process.ProcessState == nil {
		_ = n.process.Process.Signal(signal) // it may have ended
	}
}

// kill ends the process for certain and waits for that.
func (n *node) kill() {
	n.expect(true)
	n.signal(unix.SIGKILL)
	n.await(10 * time.Second)
}

func (n *node) await(limit time.Duration) bool {
	n.mu.Lock()
	ended := n.ended
	n.mu.Unlock()
	if ended == nil {
		return true
	}
	select {
	case <-ended:
		return true
	case <-time.After(limit):
		return false
	}
}

// dial connects from the client's namespace. A socket stays in the namespace where it was made, so only the thread that
// makes it goes there.
func (c *cluster) dial(ctx context.Context, address string) (net.Conn, error) {
	type result struct {
		conn net.Conn
		err  error
	}
	got := make(chan result, 1)
	go func() {
		runtime.LockOSThread() // and never unlock: the thread ends with the goroutine
		file, err := os.Open(c.netns(clientNode))
		if err != nil {
			got <- result{nil, err}
			return
		}
		defer file.Close()
		if err := unix.Setns(int(file.Fd()), unix.CLONE_NEWNET); err != nil {
			got <- result{nil, err}
			return
		}
		conn, err := (&net.Dialer{}).DialContext(ctx, "tcp", address)
		got <- result{conn, err}
	}()
	r := <-got
	return r.conn, r.err
}

func (c *cluster) connect(config *tls.Config, address string) (*grpc.ClientConn, error) {
	own := config.Clone()
	own.ServerName, _, _ = strings.Cut(address, ":")
	return grpc.NewClient("passthrough:///"+address, grpc.WithTransportCredentials(credentials.NewTLS(own)),
		grpc.WithContextDialer(c.dial),
		grpc.WithKeepaliveParams(keepalive.ClientParameters{Time: 10 * time.Second, Timeout: 3 * time.Second}),
		grpc.WithConnectParams(grpc.ConnectParams{MinConnectTimeout: 2 * time.Second, Backoff: quickBackoff}))
}
