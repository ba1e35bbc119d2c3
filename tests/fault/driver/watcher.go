package main

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	pb "github.com/patronus-sdwan/patronus/api/go/patronus/v1"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/durationpb"
)

// A watcher follows one stream of changes from controller to controller by its resume tokens, and keeps what it saw.
type watcher struct {
	workload *workload
	at       int
	token    string
	ready    chan struct{}
	reached  atomic.Uint64 // revision up to which it has seen everything

	mu     sync.Mutex
	seen   map[uint64]change
	wrong  []string
	resets int
}

// Small, because an hour of changes is kept.
type change struct {
	key   uint32 // 0: none of the workload's
	value uint32 // 0: deleted
}

func newWatcher(w *workload, at int) *watcher {
	return &watcher{workload: w, at: at, ready: make(chan struct{}), seen: map[uint64]change{}}
}

// run until the context ends. A history that was compacted away under a slow watcher is an error here: the run is short.
func (v *watcher) run(ctx context.Context) {
	for ctx.Err() == nil {
		err := v.stream(ctx)
		switch status.Code(err) {
		case codes.OutOfRange, codes.FailedPrecondition, codes.InvalidArgument:
			v.mu.Lock()
			v.wrong = append(v.wrong, fmt.Sprintf("the stream cannot be resumed: %v", err))
			v.mu.Unlock()
			return
		}
		v.at = (v.at + 1) % len(v.workload.conns)
		v.resets++
		select {
		case <-ctx.Done():
		case <-time.After(100 * time.Millisecond):
		}
	}
}

func (v *watcher) stream(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	stub := pb.NewWatchServiceClient(v.workload.conns[v.at])
	stream, err := stub.Watch(ctx, &pb.WatchRequest{Kinds: []string{"slaProfiles"}, ResumeToken: v.token,
		SendInitial: v.token == "", BookmarkInterval: durationpb.New(time.Second)})
	if err != nil {
		return err
	}
	quiet := time.AfterFunc(4*time.Second, cancel) // bookmarks come each second, or the line is cut
	defer quiet.Stop()
	for {
		event, err := stream.Recv()
		if err != nil {
			return err
		}
		quiet.Reset(4 * time.Second)
		if err := v.take(event); err != nil {
			return err
		}
	}
}

func (v *watcher) take(event *pb.WatchEvent) error {
	v.mu.Lock()
	defer v.mu.Unlock()
	if event.Type == pb.WatchEventType_BOOKMARK {
		if v.token == "" {
			close(v.ready)
		}
		v.token = event.ResumeToken
		v.reached.Store(max(v.reached.Load(), event.Revision))
		return nil
	}
	c := change{key: keyNumber(event.Name)}
	if event.Type != pb.WatchEventType_DELETED {
		var profile pb.SlaProfile
		if err := event.Resource.UnmarshalTo(&profile); err != nil {
			return err
		}
		c.value = profile.GetMaxLatencyUs()
	}
	if before, found := v.seen[event.Revision]; found {
		v.wrong = append(v.wrong, fmt.Sprintf("revision %d twice: %v and %v", event.Revision, before, c))
	}
	if reached := v.reached.Load(); event.Revision < reached {
		v.wrong = append(v.wrong, fmt.Sprintf("revision %d after %d", event.Revision, reached))
	}
	v.seen[event.Revision] = c
	v.reached.Store(max(v.reached.Load(), event.Revision))
	if event.ResumeToken != "" {
		v.token = event.ResumeToken
	}
	return nil
}

// judge compares what was seen with what clients were told: how many changes are missing, and what else is wrong.
func (v *watcher) judge(ops []op) (missed int, wrong []string) {
	v.mu.Lock()
	defer v.mu.Unlock()
	wrong = v.wrong
	for _, o := range ops {
		if o.in.verb == verbGet || o.out.outcome != done || o.out.revision == 0 {
			continue
		}
		want := change{key: uint32(o.key), value: o.in.value}
		saw, found := v.seen[o.out.revision]
		switch {
		case !found:
			missed++
			if missed <= 3 {
				wrong = append(wrong, fmt.Sprintf("revision %d is missing: %v", o.out.revision, want))
			}
		case saw != want:
			wrong = append(wrong, fmt.Sprintf("revision %d was %v, seen as %v", o.out.revision, want, saw))
		}
	}
	return missed, wrong
}
