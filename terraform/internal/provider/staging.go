package provider

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"

	patronus "github.com/patronus-sdwan/patronus/api/go"
	pb "github.com/patronus-sdwan/patronus/api/go/patronus/v1"
	patronusschema "github.com/patronus-sdwan/patronus/api/go/schema"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/dynamicpb"
	"google.golang.org/protobuf/types/known/anypb"
	"google.golang.org/protobuf/types/known/fieldmaskpb"
)

// A run within a change set (`patronusctl tf apply` starts it, PATRONUS_CHANGE_SET names it): nothing is changed here. What
// Terraform creates, updates and deletes is staged, and what was staged is read back as it would be; when the run has ended
// well, patronusctl applies all of it in one step, and otherwise none of it.
//
// Terraform works on ten resources at a time. Each stores its change with the whole change set, so those that wait are
// stored together: whoever holds the lock stores for all. A change that would be refused is taken out again at once, so that
// the refusal is its own resource's error and not that of whatever is read next.

const changeSetVariable = "PATRONUS_CHANGE_SET"

type staging struct {
	client       *patronus.Client
	calls        pb.ChangeSetServiceClient
	organization string

	writing sync.Mutex // held while the change set is written; guards set
	set     *pb.ChangeSet

	mu      sync.Mutex
	waiting []*stagedChange
	staged  map[string]bool // names
}

type stagedChange struct {
	change   *pb.StagedChange
	done     bool
	resource *anypb.Any // as it would be; nil of what would be deleted
	err      error
}

// newStaging reads the change set that the run writes to.
func newStaging(ctx context.Context, client *patronus.Client, name string) (*staging, error) {
	set, err := patronus.For[*pb.ChangeSet](client).Get(ctx, name)
	if err != nil {
		return nil, fmt.Errorf("the change set of this run (%s) cannot be read: %w", changeSetVariable, err)
	}
	if set.State != pb.ChangeSetState_STAGED {
		return nil, fmt.Errorf("%s is %s; a run needs a new one: start it with `patronusctl tf apply`", name, set.State)
	}
	parent, _ := patronusschema.SplitName(name)
	s := &staging{client: client, calls: pb.NewChangeSetServiceClient(client), organization: parent, set: set, staged: map[string]bool{}}
	for _, change := range set.Changes {
		s.staged[change.Name] = true
	}
	return s, nil
}

// refusal says why a change set cannot hold a change of this resource; "" when it can.
func (s *staging) refusal(kind *patronusschema.Kind, name string) string {
	switch {
	case !kind.Staged():
		return fmt.Sprintf("Change sets do not hold %s. Apply this one without `patronusctl tf`, with -target or from a configuration of its own.", kind.Plural)
	case name != "" && !strings.HasPrefix(name, s.organization+"/"):
		return fmt.Sprintf("%s is not below %s, and a change set changes what is of one organization. Give the other organization a configuration of its own.", name, s.organization)
	}
	return ""
}

func (s *staging) holds(name string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.staged[name]
}

// do stages a change, and gives the resource as it would be.
func (s *staging) do(ctx context.Context, change *pb.StagedChange) (*anypb.Any, error) {
	mine := &stagedChange{change: change}
	s.mu.Lock()
	s.waiting = append(s.waiting, mine)
	s.mu.Unlock()
	s.writing.Lock()
	defer s.writing.Unlock()
	if !mine.done {
		s.mu.Lock()
		batch := s.waiting
		s.waiting = nil
		s.mu.Unlock()
		s.store(ctx, batch)
	}
	return mine.resource, mine.err
}

var changeIndex = regexp.MustCompile(`^changes\[([0-9]+)\]\.?`)

// store puts a batch into the change set. Each round either stores what is left of it or finds one that is refused.
func (s *staging) store(ctx context.Context, batch []*stagedChange) {
	kept := len(s.set.Changes)
	for len(batch) > 0 {
		err := s.put(ctx, kept, batch)
		if err == nil {
			err = s.readBack(ctx, batch)
		}
		if err == nil {
			break
		}
		at := -1
		var failure *patronus.APIError
		if errors.As(err, &failure) {
			if found := changeIndex.FindStringSubmatch(failure.Field); found != nil {
				at, _ = strconv.Atoi(found[1])
				failure.Field = failure.Field[len(found[0]):]
			}
		}
		if at -= kept; at < 0 || at >= len(batch) {
			for _, one := range batch {
				one.err, one.done = err, true
			}
			batch = nil
		} else {
			batch[at].err, batch[at].done = err, true
			batch = slices.Delete(batch, at, at+1)
		}
		if len(batch) == 0 { // what was refused must not stay
			_ = s.put(ctx, kept, nil)
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, one := range batch {
		s.staged[one.change.Name], one.done = true, true
	}
}

// put stores the first `kept` changes and the batch.
func (s *staging) put(ctx context.Context, kept int, batch []*stagedChange) error {
	set := &pb.ChangeSet{Name: s.set.Name, Etag: s.set.Etag, Changes: slices.Clone(s.set.Changes[:kept])}
	for _, one := range batch {
		set.Changes = append(set.Changes, one.change)
	}
	stored, err := patronus.For[*pb.ChangeSet](s.client).Update(ctx, set, patronus.Mask("changes"))
	if err == nil {
		s.set = stored
	}
	return err
}

// readBack reads each of the batch as it would be.
func (s *staging) readBack(ctx context.Context, batch []*stagedChange) error {
	for _, one := range batch {
		var err error
		if one.resource, err = s.read(ctx, one.change.Name); err != nil {
			return err
		}
	}
	return nil
}

// read gives a resource as it would be; nil when it would not exist.
func (s *staging) read(ctx context.Context, name string) (*anypb.Any, error) {
	reply, err := s.calls.ReadStagedState(ctx, &pb.ReadStagedStateRequest{Name: s.set.Name, Resource: name})
	var gone patronus.ErrResourceNotFound
	if errors.As(err, &gone) && gone.Field == "resource" {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	return reply.Resource, nil
}

// ---- the four steps of a resource: at once, or staged ---------------------------------------------------------------

type collection = patronus.Collection[*dynamicpb.Message]

func (s *session) stage(ctx context.Context, in collection, action pb.ChangeAction, name, etag string, body *dynamicpb.Message, paths []string) (*dynamicpb.Message, error) {
	change := &pb.StagedChange{Action: action, Name: name, Etag: etag}
	if body != nil {
		value, err := proto.Marshal(body)
		if err != nil {
			return nil, err
		}
		change.Resource = &anypb.Any{TypeUrl: "type.googleapis.com/" + string(in.Kind().Message.FullName()), Value: value}
	} else {
		change.AllowMissing = true
	}
	if paths != nil {
		change.UpdateMask = &fieldmaskpb.FieldMask{Paths: paths}
	}
	resource, err := s.staging.do(ctx, change)
	if err != nil || resource == nil {
		return nil, err
	}
	return unpack(in, resource)
}

func unpack(in collection, resource *anypb.Any) (*dynamicpb.Message, error) {
	message, err := in.New()
	if err == nil {
		err = proto.Unmarshal(resource.Value, message)
	}
	return message, err
}

func (s *session) create(ctx context.Context, in collection, name string, body *dynamicpb.Message) (*dynamicpb.Message, error) {
	if s.staging != nil {
		return s.stage(ctx, in, pb.ChangeAction_CHANGE_CREATE, name, "", body, nil)
	}
	parent, id := patronusschema.SplitName(name)
	return in.Create(ctx, parent, id, body)
}

// get reads a resource; nil when there is none.
func (s *session) get(ctx context.Context, in collection, name string) (*dynamicpb.Message, error) {
	if s.staging != nil && s.staging.holds(name) {
		resource, err := s.staging.read(ctx, name)
		if err != nil || resource == nil {
			return nil, err
		}
		return unpack(in, resource)
	}
	message, err := in.Get(ctx, name)
	var gone patronus.ErrResourceNotFound
	if errors.As(err, &gone) {
		return nil, nil
	}
	return message, err
}

func (s *session) update(ctx context.Context, in collection, name, etag string, body *dynamicpb.Message, paths []string) (*dynamicpb.Message, error) {
	if s.staging != nil {
		return s.stage(ctx, in, pb.ChangeAction_CHANGE_UPDATE, name, etag, body, paths)
	}
	setText(body, "name", name)
	setText(body, "etag", etag)
	return in.Update(ctx, body, patronus.Mask(paths...))
}

func (s *session) delete(ctx context.Context, in collection, name, etag string) error {
	if s.staging != nil {
		_, err := s.stage(ctx, in, pb.ChangeAction_CHANGE_DELETE, name, etag, nil, nil)
		return err
	}
	return in.Delete(ctx, name, patronus.Etag(etag), patronus.AllowMissing())
}
