package patronus_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"testing"
	"time"

	patronus "github.com/patronus-sdwan/patronus/api/go"
	pb "github.com/patronus-sdwan/patronus/api/go/patronus/v1"
	"github.com/patronus-sdwan/patronus/api/go/schema"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

// cluster is the real one that tests/clients/go.sh brings up.
func cluster(t *testing.T) *patronus.Client {
	t.Helper()
	if os.Getenv("PT_HOOK") == "" {
		t.Skip("no cluster (tests/clients/go.sh brings one up)")
	}
	client, err := patronus.Dial(patronus.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = client.Close() })
	return client
}

// organization makes one for a test and removes it with everything below.
func organization(t *testing.T, client *patronus.Client, id string) string {
	t.Helper()
	organizations := patronus.For[*pb.Organization](client)
	made, err := organizations.Create(t.Context(), "", id, &pb.Organization{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = organizations.Delete(context.Background(), made.Name, patronus.Force()) })
	return made.Name
}

func TestTypedCollections(t *testing.T) {
	client, ctx := cluster(t), t.Context()
	org := organization(t, client, "typed")
	sites := patronus.For[*pb.Site](client)
	for i := range 5 {
		if _, err := sites.Create(ctx, org, fmt.Sprintf("s%d", i), &pb.Site{Region: "eu-1"}); err != nil {
			t.Fatal(err)
		}
	}
	count := 0
	for site, err := range sites.List(ctx, org, patronus.PageSize(2), patronus.Filter(`region = "eu-1"`)) {
		if err != nil || site.Region != "eu-1" {
			t.Fatal(site, err)
		}
		count++
	}
	if count != 5 {
		t.Errorf("%d sites in pages of two", count)
	}
	site, err := sites.Get(ctx, org+"/sites/s0")
	if err != nil {
		t.Fatal(err)
	}
	site.Location = "Zurich"
	if site, err = sites.Update(ctx, site, patronus.Mask("location")); err != nil || site.Location != "Zurich" {
		t.Error(site, err)
	}
}

func TestErrorsByReason(t *testing.T) {
	client, ctx := cluster(t), t.Context()
	org := organization(t, client, "errors")
	sites := patronus.For[*pb.Site](client)
	_, err := sites.Get(ctx, org+"/sites/nowhere")
	var missing patronus.ErrResourceNotFound
	var any *patronus.APIError
	if !errors.As(err, &missing) || !errors.As(err, &any) || status.Code(err) != codes.NotFound || any.Field != "name" {
		t.Errorf("not by its reason: %#v", err)
	}
	var other patronus.ErrEtagMismatch
	if errors.As(err, &other) {
		t.Error("an error has two reasons")
	}
	if _, err = sites.Create(ctx, org, "a", &pb.Site{Region: "Not An Id"}); !errors.As(err, new(patronus.ErrFieldInvalid)) {
		t.Error(err)
	}
	if _, err = sites.Create(ctx, org, "a", &pb.Site{}, patronus.Force()); err == nil {
		t.Error("Create took an option that it does not have")
	}
}

// A generated stub works on the client, with its errors.
func TestStubs(t *testing.T) {
	client := cluster(t)
	reply, err := pb.NewClusterServiceClient(client).GetClusterStatus(t.Context(), &pb.GetClusterStatusRequest{})
	if err != nil || reply.ClusterId == "" {
		t.Fatal(reply, err)
	}
	_, err = pb.NewSiteServiceClient(client).GetSite(t.Context(), &pb.GetSiteRequest{Name: "organizations/none/sites/none"})
	if !errors.As(err, new(patronus.ErrResourceNotFound)) {
		t.Error(err)
	}
}

// The same request id gets the stored reply: a retry makes nothing twice.
func TestRepetition(t *testing.T) {
	client, ctx := cluster(t), t.Context()
	org := organization(t, client, "repeated")
	sites := patronus.For[*pb.Site](client)
	first, err := sites.Create(ctx, org, "a", &pb.Site{}, patronus.RequestID("one"))
	if err != nil {
		t.Fatal(err)
	}
	second, err := sites.Create(ctx, org, "a", &pb.Site{}, patronus.RequestID("one"))
	if err != nil || first.Uid != second.Uid {
		t.Error(second, err)
	}
}

func TestWatchGoesOnOverAKilledLeader(t *testing.T) {
	client := cluster(t)
	org := organization(t, client, "watched")
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	sites := patronus.For[*pb.Site](client)
	begun, made := make(chan struct{}), make(chan error, 1)
	go func() {
		<-begun
		made <- func() error {
			for i := range 20 {
				if i == 7 {
					if err := exec.Command(os.Getenv("PT_HOOK"), "kill-leader").Run(); err != nil {
						return err
					}
				}
				if _, err := sites.Create(ctx, org, fmt.Sprintf("s%02d", i), &pb.Site{}); err != nil {
					return err
				}
			}
			return exec.Command(os.Getenv("PT_HOOK"), "revive").Run()
		}()
	}()
	seen := 0
	for event, err := range client.Watch(ctx, patronus.WatchOptions{Parent: org, Kinds: []string{"sites"}, SendInitial: true}) {
		if err != nil {
			t.Fatal(err)
		}
		if event.Type == pb.WatchEventType_BOOKMARK {
			select {
			case <-begun:
			default:
				close(begun)
			}
			continue
		}
		if want := fmt.Sprintf("%s/sites/s%02d", org, seen); event.Name != want {
			t.Fatalf("event %d is of %s, not %s", seen, event.Name, want)
		}
		if _, ok := event.Resource.(*pb.Site); !ok {
			t.Fatalf("the resource is a %T", event.Resource)
		}
		if seen++; seen == 20 {
			break
		}
	}
	if err := <-made; err != nil || seen != 20 {
		t.Error(seen, err)
	}
}

func TestCancelled(t *testing.T) {
	client := cluster(t)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := patronus.For[*pb.Site](client).Get(ctx, "organizations/a/sites/b"); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}

func TestNames(t *testing.T) {
	link := schema.Default().Kind("link")
	name, err := link.Name("acme", "nyc", "inet0")
	if err != nil || name != "organizations/acme/sites/nyc/links/inet0" {
		t.Error(name, err)
	}
	for _, wrong := range []string{"", "organizations/acme", "organizations/acme/sites/nyc/links/INET", "organizations/acme/sites/nyc/edges/e1"} {
		if _, err := link.IDs(wrong); err == nil {
			t.Errorf("'%s' is taken for a link", wrong)
		}
	}
	kind, err := schema.Default().KindOf(name)
	if err != nil || kind != link {
		t.Error(kind, err)
	}
}

func Example() {
	client, err := patronus.Dial(patronus.Options{}) // PATRONUS_SERVER, PATRONUS_CREDENTIAL
	if err != nil {
		fmt.Println(err)
		return
	}
	defer client.Close()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	for site, err := range patronus.For[*pb.Site](client).List(ctx, "organizations/acme", patronus.Filter(`region = "eu-1"`)) {
		if err != nil {
			fmt.Println(err)
			return
		}
		fmt.Println(site.Name)
	}
}
