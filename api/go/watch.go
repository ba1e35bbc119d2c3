package patronus

import (
	"context"
	"iter"
	"maps"
	"slices"
	"time"

	pb "github.com/patronus-sdwan/patronus/api/go/patronus/v1"
	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/durationpb"
)

// WatchOptions say what to watch. The zero value watches everything the caller may read, from now on.
type WatchOptions struct {
	Parent           string        // a resource or a parent
	Kinds            []string      // plurals; none means all
	Filter           string        // as in List
	ResumeToken      string        // go on right behind this event
	SendInitial      bool          // first everything there is, then a bookmark
	BookmarkInterval time.Duration // on a quiet stream; 0 means 30 s
}

// Event is one change.
type Event struct {
	Type        pb.WatchEventType
	Name        string
	Resource    proto.Message // nil in a bookmark; nil when the type is not known to the client's schema
	Revision    uint64
	ResumeToken string // "" when the stream cannot be resumed right behind this event
}

// Watch yields changes in order, without gap or duplicate, across broken connections and changes of leader: it goes on at
// another server behind the last event. It ends when the context does, or with an error that cannot be mended by going
// on, such as [ErrHistoryCompacted]: then list, and watch anew.
func (c *Client) Watch(ctx context.Context, options WatchOptions) iter.Seq2[*Event, error] {
	return func(yield func(*Event, error) bool) {
		w := &watch{client: c, options: options, yield: yield, token: options.ResumeToken}
		w.run(ctx)
	}
}

// watch is one iteration. Until the bookmark behind the initial state there is no token: when the connection breaks
// before, the initial state is asked for again, and what was yielded already is told apart by name and revision.
type watch struct {
	client  *Client
	options WatchOptions
	yield   func(*Event, error) bool
	token   string
	initial map[string]uint64 // what was yielded of the initial state: revision by name
	again   map[string]uint64 // the same as of the stream that is running
}

func (w *watch) run(ctx context.Context) {
	w.initial = map[string]uint64{}
	pause := pauseMin
	for {
		at := w.client.pick()
		progress, stopped, failure := w.stream(ctx, at)
		if stopped {
			return
		}
		if progress {
			pause = pauseMin
		}
		lost := w.token == "" && !w.options.SendInitial && progress
		if failure.Code != codes.Unavailable || lost {
			w.yield(nil, typed(failure))
			return
		}
		w.client.next(at)
		if !rest(ctx, pause) {
			w.yield(nil, typed(fromGRPC(ctx.Err(), failure.Method, failure.Server)))
			return
		}
		pause = min(2*pause, pauseMax)
	}
}

func (w *watch) request() *pb.WatchRequest {
	request := &pb.WatchRequest{Parent: w.options.Parent, Kinds: w.options.Kinds, Filter: w.options.Filter, ResumeToken: w.token}
	request.SendInitial = w.options.SendInitial && w.token == ""
	if w.options.BookmarkInterval > 0 {
		request.BookmarkInterval = durationpb.New(w.options.BookmarkInterval)
	}
	return request
}

// stream runs one connection until it breaks. progress: at least one message came; stopped: the consumer has enough.
func (w *watch) stream(ctx context.Context, at int) (progress, stopped bool, failure *APIError) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	const method = "/patronus.v1.WatchService/Watch"
	w.again = map[string]uint64{}
	stream, err := pb.NewWatchServiceClient(w.client.conns[at]).Watch(ctx, w.request())
	for err == nil {
		var event *pb.WatchEvent
		if event, err = stream.Recv(); err != nil {
			break
		}
		progress = true
		if !w.take(event) {
			return progress, true, nil
		}
	}
	failure = fromGRPC(err, method, w.client.servers[at])
	if failure.Code == codes.Unknown { // io.EOF: the server ended the stream
		failure.Code, failure.Message = codes.Unavailable, "the server ended the stream"
	}
	return progress, false, failure
}

func (w *watch) take(event *pb.WatchEvent) bool {
	if w.options.SendInitial && w.token == "" {
		if event.Type == pb.WatchEventType_ADDED {
			w.again[event.Name] = event.Revision
			if w.initial[event.Name] == event.Revision {
				return true // of an earlier connection
			}
			w.initial[event.Name] = event.Revision
		}
		if event.Type == pb.WatchEventType_BOOKMARK && !w.vanished() {
			return false
		}
	}
	if event.ResumeToken != "" {
		w.token = event.ResumeToken
	}
	return w.yield(w.event(event), nil)
}

// vanished yields what an earlier connection showed and what is gone in the state that counts.
func (w *watch) vanished() bool {
	for _, name := range slices.Sorted(maps.Keys(w.initial)) {
		if _, there := w.again[name]; !there && !w.yield(&Event{Type: pb.WatchEventType_DELETED, Name: name}, nil) {
			return false
		}
	}
	return true
}

func (w *watch) event(event *pb.WatchEvent) *Event {
	out := &Event{Type: event.Type, Name: event.Name, Revision: event.Revision, ResumeToken: event.ResumeToken}
	if event.Resource == nil {
		return out
	}
	if resource, err := event.Resource.UnmarshalNew(); err == nil {
		out.Resource = resource
	} else if found, err := w.client.schema.Types().FindMessageByURL(event.Resource.TypeUrl); err == nil {
		resource := found.New().Interface()
		if proto.Unmarshal(event.Resource.Value, resource) == nil {
			out.Resource = resource
		}
	}
	return out
}
