package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	patronusv1 "github.com/patronus-sdwan/patronus/api/go/patronus/v1"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

const (
	fanoutEvery = 100 * time.Millisecond
	watchAtOnce = 32
	endAfter    = 120 * time.Second
)

// fanout opens STREAMS watch streams, each on a connection of its own, round the servers, and creates COUNT sites, one
// each 100 ms. Prints: P50_US P99_US WORST_US RECEIVED, of the times from the answer to the create (its commit) to the
// arrival of its event at a stream; what arrives before the answer took no time.
func fanout(l *load) error {
	type arrival struct {
		site int
		at   time.Time
	}
	var mutex sync.Mutex
	var arrivals []arrival
	var opened, failed atomic.Int64
	everyone := make(chan struct{})
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	for n := range l.atATime {
		one := *l
		one.servers = []string{l.servers[n%len(l.servers)]}
		conns, err := connect(&one)
		if err != nil {
			return err
		}
		go func() {
			// A thousand handshakes at once take seconds; who is turned away meanwhile comes again.
			stream, err := patronusv1.NewWatchServiceClient(conns[0]).Watch(ctx, &patronusv1.WatchRequest{Parent: organization(l.run, 0), SendInitial: true}, grpc.WaitForReady(true))
			open := false
			for err == nil {
				var event *patronusv1.WatchEvent
				if event, err = stream.Recv(); err != nil {
					break
				}
				at := time.Now()
				if event.GetType() == patronusv1.WatchEventType_BOOKMARK && !open { // further ones come now and then
					open = true
					if opened.Add(1) == int64(l.atATime) {
						close(everyone)
					}
				}
				var site int
				if _, bad := fmt.Sscanf(event.GetName(), organization(l.run, 0)+"/sites/s%d", &site); bad == nil {
					mutex.Lock()
					arrivals = append(arrivals, arrival{site, at})
					mutex.Unlock()
				}
			}
			if ctx.Err() == nil && failed.Add(1) <= 3 {
				fmt.Fprintln(os.Stderr, "generator: a stream ended:", err)
			}
		}()
	}
	select {
	case <-everyone:
	case <-time.After(endAfter):
		return fmt.Errorf("%d of %d streams are open", opened.Load(), l.atATime)
	}
	fmt.Fprintln(os.Stderr, "open")
	conns, err := connect(l)
	if err != nil {
		return err
	}
	committed := make([]time.Time, l.count)
	tick := time.NewTicker(fanoutEvery)
	for i := range l.count {
		<-tick.C
		if err := (patronusTarget{}).write(ctx, conns[i%len(conns)], l.run, i); err != nil {
			return err
		}
		committed[i] = time.Now()
	}
	wanted := l.count * l.atATime
	for end := time.Now().Add(20 * time.Second); time.Now().Before(end); time.Sleep(10 * time.Millisecond) {
		mutex.Lock()
		have := len(arrivals)
		mutex.Unlock()
		if have >= wanted {
			break
		}
	}
	mutex.Lock()
	defer mutex.Unlock()
	took := make([]time.Duration, len(arrivals))
	for i, a := range arrivals {
		took[i] = max(0, a.at.Sub(committed[a.site]))
	}
	slices.Sort(took)
	fmt.Printf("%d %d %d %d\n", quantile(took, 0.5).Microseconds(), quantile(took, 0.99).Microseconds(), quantile(took, 1).Microseconds(), len(arrivals))
	if len(arrivals) != wanted {
		return fmt.Errorf("%d events arrived, not %d", len(arrivals), wanted)
	}
	return nil
}

// What a stream has seen: revision by name. A create happens once, so a name that comes twice is a duplicate.
type seen struct {
	revisions  map[string]uint64
	duplicates int
	cuts       int
	last       uint64
}

// follow keeps a stream, from a token on, until it has seen the end or the context is over: cut by chance and by its
// server's death, and resumed at the next server.
func follow(ctx context.Context, conns []*grpc.ClientConn, n int, end, token string) (*seen, error) {
	have := &seen{revisions: map[string]uint64{}}
	request := &patronusv1.WatchRequest{Kinds: []string{"sites"}, ResumeToken: token}
	for at := n; ; at++ {
		cut, cancel := context.WithTimeout(ctx, time.Duration(500+rand.IntN(2500))*time.Millisecond)
		done, err := receive(cut, conns[at%len(conns)], request, have, end)
		cancel()
		if done {
			return have, nil
		}
		if ctx.Err() != nil {
			return have, fmt.Errorf("stream %d: the end did not come", n)
		}
		if code := status.Code(err); code == codes.OutOfRange || code == codes.InvalidArgument || code == codes.PermissionDenied {
			return have, fmt.Errorf("stream %d: %w", n, err)
		}
		have.cuts++
		time.Sleep(time.Duration(rand.IntN(50)) * time.Millisecond)
	}
}

func receive(ctx context.Context, conn *grpc.ClientConn, request *patronusv1.WatchRequest, have *seen, end string) (bool, error) {
	stream, err := patronusv1.NewWatchServiceClient(conn).Watch(ctx, request)
	if err != nil {
		return false, err
	}
	for {
		event, err := stream.Recv()
		if err != nil {
			return false, err
		}
		if token := event.GetResumeToken(); token != "" {
			request.ResumeToken = token
		}
		if event.GetType() == patronusv1.WatchEventType_BOOKMARK {
			continue
		}
		if _, twice := have.revisions[event.GetName()]; twice || event.GetRevision() < have.last {
			have.duplicates++
		}
		have.revisions[event.GetName()] = event.GetRevision()
		have.last = event.GetRevision()
		if event.GetName() == end {
			return true, nil
		}
	}
}

// watch opens STREAMS streams that are cut every few seconds (and by whoever kills servers meanwhile), creates COUNT
// sites, and compares: prints EVENTS MISSING DUPLICATE CUTS. Missing is, summed over the streams, what was acknowledged
// or what any other stream has and this one has not.
func watch(l *load) error {
	conns, err := connect(l)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	results := make([]*seen, l.atATime)
	failures := make([]error, l.atATime)
	end := organization(l.run, 0) + "/sites/end"
	var streams sync.WaitGroup
	start, err := startToken(ctx, conns)
	if err != nil {
		return err
	}
	for n := range l.atATime {
		streams.Go(func() { results[n], failures[n] = follow(ctx, conns, n, end, start) })
	}
	acknowledged := make([]atomic.Bool, l.count)
	writers := *l
	writers.atATime = watchAtOnce
	_, failed := operations(&writers, conns, func(_ context.Context, _ *grpc.ClientConn, run string, i int) error {
		err := insist(ctx, conns, run, i)
		acknowledged[i].Store(err == nil)
		return err
	})
	for n := range 100 { // the last event of all
		_, err = patronusv1.NewSiteServiceClient(conns[n%len(conns)]).CreateSite(ctx, &patronusv1.CreateSiteRequest{
			Parent: organization(l.run, 0), SiteId: "end", Site: &patronusv1.Site{}})
		if err == nil || status.Code(err) == codes.AlreadyExists {
			break
		}
		time.Sleep(200 * time.Millisecond)
	}
	late := time.AfterFunc(endAfter, cancel)
	streams.Wait()
	late.Stop()
	events, missing, duplicates, cuts := compare(l, results, acknowledged)
	fmt.Printf("%d %d %d %d\n", events, missing, duplicates, cuts)
	for _, failure := range failures {
		if failure != nil {
			return failure
		}
	}
	if failed > 0 {
		return fmt.Errorf("%d creates failed", failed)
	}
	return nil
}

// startToken is where every stream begins: a bookmark of one stream, behind everything there was.
func startToken(ctx context.Context, conns []*grpc.ClientConn) (string, error) {
	short, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	stream, err := patronusv1.NewWatchServiceClient(conns[0]).Watch(short, &patronusv1.WatchRequest{Kinds: []string{"organizations"}, SendInitial: true})
	if err != nil {
		return "", err
	}
	for {
		event, err := stream.Recv()
		if err != nil {
			return "", err
		}
		if event.GetType() == patronusv1.WatchEventType_BOOKMARK {
			return event.GetResumeToken(), nil
		}
	}
}

// insist repeats a create at the next server until one answers: its request id makes that harmless.
func insist(ctx context.Context, conns []*grpc.ClientConn, run string, i int) error {
	var err error
	for n := range 200 {
		short, cancel := context.WithTimeout(ctx, 3*time.Second)
		_, err = patronusv1.NewSiteServiceClient(conns[(i+n)%len(conns)]).CreateSite(short, &patronusv1.CreateSiteRequest{
			Parent: organization(run, i), SiteId: siteID(i), RequestId: fmt.Sprintf("%s-%d", run, i), Site: &patronusv1.Site{Annotations: map[string]string{"v": value}}})
		cancel()
		if err == nil {
			return nil
		}
		if code := status.Code(err); code != codes.Unavailable && code != codes.DeadlineExceeded {
			return err
		}
		time.Sleep(100 * time.Millisecond)
	}
	return err
}

func compare(l *load, results []*seen, acknowledged []atomic.Bool) (events, missing, duplicates, cuts int) {
	all := make(map[string]uint64, l.count)
	for i := range l.count {
		if acknowledged[i].Load() {
			all[organization(l.run, i)+"/sites/"+siteID(i)] = 0
		}
	}
	for _, have := range results {
		for name, revision := range have.revisions {
			all[name] = revision
		}
	}
	for _, have := range results {
		events += len(have.revisions)
		duplicates += have.duplicates
		cuts += have.cuts
		for name, revision := range all {
			if mine, found := have.revisions[name]; !found || mine != revision {
				missing++
			}
		}
	}
	return events, missing, duplicates, cuts
}
