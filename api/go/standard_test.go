package patronus_test

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/encoding/gzip"
	"google.golang.org/grpc/health/grpc_health_v1"
	reflectionv1 "google.golang.org/grpc/reflection/grpc_reflection_v1"
	reflectionv1alpha "google.golang.org/grpc/reflection/grpc_reflection_v1alpha"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protodesc"
	"google.golang.org/protobuf/types/descriptorpb"
)

// plain connects to each controller as any Go program would: grpc-go and a certificate, nothing of this package.
func plain(t *testing.T) map[string]*grpc.ClientConn {
	t.Helper()
	if os.Getenv("PT_HOOK") == "" {
		t.Skip("no cluster (tests/clients/go.sh brings one up)")
	}
	text, err := os.ReadFile(os.Getenv("PATRONUS_CREDENTIAL"))
	if err != nil {
		t.Fatal(err)
	}
	pair, err := tls.X509KeyPair(text, text)
	if err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	_, rest := pem.Decode(text) // the client's own certificate stands first
	roots.AppendCertsFromPEM(rest)
	config := &tls.Config{Certificates: []tls.Certificate{pair}, RootCAs: roots, MinVersion: tls.VersionTLS13}
	conns := map[string]*grpc.ClientConn{}
	for _, server := range strings.Split(os.Getenv("PATRONUS_SERVER"), ",") {
		conn, err := grpc.NewClient(server, grpc.WithTransportCredentials(credentials.NewTLS(config)))
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = conn.Close() })
		conns[server] = conn
	}
	return conns
}

func hook(t *testing.T, word string) {
	t.Helper()
	if out, err := exec.Command(os.Getenv("PT_HOOK"), word).CombinedOutput(); err != nil {
		t.Fatalf("%s: %v: %s", word, err, out)
	}
}

// serving waits until a server says so of a service: one that an earlier test started again has to hear the leader first.
func serving(t *testing.T, client grpc_health_v1.HealthClient, service string) error {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	stream, err := client.Watch(ctx, &grpc_health_v1.HealthCheckRequest{Service: service}, grpc.WaitForReady(true))
	for err == nil {
		var reply *grpc_health_v1.HealthCheckResponse
		if reply, err = stream.Recv(); err == nil && reply.Status == grpc_health_v1.HealthCheckResponse_SERVING {
			return nil
		}
	}
	return err
}

func TestHealthCheck(t *testing.T) {
	for server, conn := range plain(t) {
		client := grpc_health_v1.NewHealthClient(conn)
		for _, service := range []string{"", "patronus.v1.SiteService"} {
			if err := serving(t, client, service); err != nil {
				t.Fatalf("%s, service '%s' never serves: %v", server, service, err)
			}
			reply, err := client.Check(t.Context(), &grpc_health_v1.HealthCheckRequest{Service: service}, grpc.WaitForReady(true))
			if err != nil || reply.Status != grpc_health_v1.HealthCheckResponse_SERVING {
				t.Errorf("%s, service '%s': %v %v", server, service, reply, err)
			}
		}
		_, err := client.Check(t.Context(), &grpc_health_v1.HealthCheckRequest{Service: "nobody"})
		if status.Code(err) != codes.NotFound {
			t.Errorf("%s, a service that there is not: %v", server, err)
		}
	}
}

// No message is taken compressed: one of a few bytes could become any number. The connection serves on.
func TestCompressedCallsAreRefused(t *testing.T) {
	for server, conn := range plain(t) {
		client := grpc_health_v1.NewHealthClient(conn)
		if err := serving(t, client, ""); err != nil {
			t.Fatalf("%s never serves: %v", server, err)
		}
		for _, service := range []string{"", strings.Repeat("long", 1000)} {
			reply, err := client.Check(t.Context(), &grpc_health_v1.HealthCheckRequest{Service: service}, grpc.UseCompressor(gzip.Name))
			if status.Code(err) != codes.Unimplemented {
				t.Errorf("%s, a service of %d letters: %v %v", server, len(service), reply, err)
			}
		}
		if _, err := client.Check(t.Context(), &grpc_health_v1.HealthCheckRequest{}); err != nil {
			t.Errorf("%s, uncompressed again: %v", server, err)
		}
	}
}

type reported struct {
	server string
	state  grpc_health_v1.HealthCheckResponse_ServingStatus
	err    error
}

// follow sends what one server says of itself, until its stream ends.
func follow(ctx context.Context, server string, conn *grpc.ClientConn, reports chan<- reported) {
	stream, err := grpc_health_v1.NewHealthClient(conn).Watch(ctx, &grpc_health_v1.HealthCheckRequest{}, grpc.WaitForReady(true))
	for err == nil {
		var reply *grpc_health_v1.HealthCheckResponse
		if reply, err = stream.Recv(); err == nil {
			reports <- reported{server: server, state: reply.Status}
		}
	}
	reports <- reported{server: server, err: err}
}

// Of three controllers two die. The streams of those end; the one that is left over says that it serves no more, and that
// it does again when the others are back.
func TestHealthWatchKnowsTheQuorum(t *testing.T) {
	conns := plain(t)
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Minute)
	defer cancel()
	reports, states, over := make(chan reported, 64), map[string]grpc_health_v1.HealthCheckResponse_ServingStatus{}, 0
	for server, conn := range conns {
		go follow(ctx, server, conn, reports)
	}
	await := func(what string, holds func() bool) {
		t.Helper()
		for !holds() {
			select {
			case report := <-reports:
				if report.err != nil {
					delete(states, report.server)
					over++
				} else {
					states[report.server] = report.state
				}
			case <-ctx.Done():
				t.Fatalf("%s never came to pass; states: %v", what, states)
			}
		}
	}
	all := func(wanted grpc_health_v1.HealthCheckResponse_ServingStatus, count int) bool {
		for _, state := range states {
			if state != wanted {
				return false
			}
		}
		return len(states) == count
	}
	await("three serve", func() bool { return all(grpc_health_v1.HealthCheckResponse_SERVING, 3) })
	hook(t, "kill-leader")
	hook(t, "kill-leader")
	await("one is left over and does not serve", func() bool {
		return over == 2 && all(grpc_health_v1.HealthCheckResponse_NOT_SERVING, 1)
	})
	hook(t, "revive")
	await("it serves again", func() bool { return all(grpc_health_v1.HealthCheckResponse_SERVING, 1) })
}

// ask is one question of the reflection service; v1 and v1alpha have the same messages under two names.
type ask func(question *reflectionv1.ServerReflectionRequest) *reflectionv1.ServerReflectionResponse

func convert(t *testing.T, from, to proto.Message) {
	t.Helper()
	data, err := proto.Marshal(from)
	if err == nil {
		err = proto.Unmarshal(data, to)
	}
	if err != nil {
		t.Fatal(err)
	}
}

func askV1(t *testing.T, conn *grpc.ClientConn) ask {
	stream, err := reflectionv1.NewServerReflectionClient(conn).ServerReflectionInfo(t.Context(), grpc.WaitForReady(true))
	if err != nil {
		t.Fatal(err)
	}
	return func(question *reflectionv1.ServerReflectionRequest) *reflectionv1.ServerReflectionResponse {
		t.Helper()
		if err := stream.Send(question); err != nil {
			t.Fatal(err)
		}
		reply, err := stream.Recv()
		if err != nil {
			t.Fatal(err)
		}
		return reply
	}
}

func askV1Alpha(t *testing.T, conn *grpc.ClientConn) ask {
	//nolint:staticcheck // old clients speak it
	stream, err := reflectionv1alpha.NewServerReflectionClient(conn).ServerReflectionInfo(t.Context(), grpc.WaitForReady(true))
	if err != nil {
		t.Fatal(err)
	}
	return func(question *reflectionv1.ServerReflectionRequest) *reflectionv1.ServerReflectionResponse {
		t.Helper()
		var old reflectionv1alpha.ServerReflectionRequest
		convert(t, question, &old)
		if err := stream.Send(&old); err != nil {
			t.Fatal(err)
		}
		answer, err := stream.Recv()
		if err != nil {
			t.Fatal(err)
		}
		var reply reflectionv1.ServerReflectionResponse
		convert(t, answer, &reply)
		return &reply
	}
}

// What is told makes a whole: every import is there, and the descriptors link.
func linked(t *testing.T, files [][]byte) []string {
	t.Helper()
	var set descriptorpb.FileDescriptorSet
	for _, data := range files {
		var file descriptorpb.FileDescriptorProto
		if err := proto.Unmarshal(data, &file); err != nil {
			t.Fatal(err)
		}
		set.File = append(set.File, &file)
	}
	registry, err := protodesc.NewFiles(&set)
	if err != nil {
		t.Fatal(err)
	}
	found, err := registry.FindDescriptorByName("patronus.v1.SteeringPolicy")
	if err != nil {
		t.Fatal(err)
	}
	return []string{string(found.FullName()), found.ParentFile().Path()}
}

func TestReflection(t *testing.T) {
	var conn *grpc.ClientConn
	for _, any := range plain(t) {
		conn = any
	}
	for version, ask := range map[string]ask{"v1": askV1(t, conn), "v1alpha": askV1Alpha(t, conn)} {
		services := []string{}
		for _, service := range ask(&reflectionv1.ServerReflectionRequest{
			MessageRequest: &reflectionv1.ServerReflectionRequest_ListServices{}}).GetListServicesResponse().GetService() {
			services = append(services, service.Name)
		}
		for _, wanted := range []string{"patronus.v1.SteeringPolicyService", "grpc.health.v1.Health",
			"grpc.reflection.v1.ServerReflection", "grpc.reflection.v1alpha.ServerReflection"} {
			if !slices.Contains(services, wanted) {
				t.Errorf("%s does not list %s: %v", version, wanted, services)
			}
		}
		reply := ask(&reflectionv1.ServerReflectionRequest{MessageRequest: &reflectionv1.ServerReflectionRequest_FileContainingSymbol{
			FileContainingSymbol: "patronus.v1.SteeringPolicy"}})
		found := linked(t, reply.GetFileDescriptorResponse().GetFileDescriptorProto())
		same := ask(&reflectionv1.ServerReflectionRequest{
			MessageRequest: &reflectionv1.ServerReflectionRequest_FileByFilename{FileByFilename: found[1]}})
		if again := linked(t, same.GetFileDescriptorResponse().GetFileDescriptorProto()); !slices.Equal(again, found) {
			t.Errorf("%s: by symbol %v, by file %v", version, found, again)
		}
		// A question without an answer is an answer, and the stream goes on.
		missing := ask(&reflectionv1.ServerReflectionRequest{MessageRequest: &reflectionv1.ServerReflectionRequest_FileContainingSymbol{
			FileContainingSymbol: "patronus.v1.Nobody"}})
		if code := codes.Code(missing.GetErrorResponse().GetErrorCode()); code != codes.NotFound {
			t.Errorf("%s answers %v for what there is not", version, code)
		}
	}
}
