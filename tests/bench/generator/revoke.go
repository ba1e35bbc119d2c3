package main

import (
	"context"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"os"
	"slices"
	"sync"
	"time"

	patronusv1 "github.com/patronus-sdwan/patronus/api/go/patronus/v1"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/fieldmaskpb"
)

const (
	changeEvery = 5 * time.Millisecond
	warmEvents  = 3
	openWithin  = 15 * time.Second
	endWithin   = 5 * time.Second
)

// bearer is an API key that goes with every call.
type bearer string

func (b bearer) GetRequestMetadata(context.Context, ...string) (map[string]string, error) {
	return map[string]string{"authorization": "Bearer " + string(b)}, nil
}

func (bearer) RequireTransportSecurity() bool { return true }

// with is the same load by whoever has that key: a certificate and a key together would be refused.
func (l *load) with(key string) (*load, error) {
	dial, err := transport("", "", l.files[2], true)
	if err != nil {
		return nil, err
	}
	other := *l
	other.dial = []grpc.DialOption{dial, grpc.WithPerRPCCredentials(bearer(key))}
	return &other, nil
}

// keeper grants and revokes. He comes with a key, for the certificate is among what he revokes.
type keeper struct {
	conn         *grpc.ClientConn
	organization string
	certificate  string // its SPIFFE id
}

func (k *keeper) account(ctx context.Context, id string) (string, error) {
	_, err := patronusv1.NewServiceAccountServiceClient(k.conn).CreateServiceAccount(ctx, &patronusv1.CreateServiceAccountRequest{
		Parent: k.organization, ServiceAccountId: id, ServiceAccount: &patronusv1.ServiceAccount{}})
	return k.organization + "/serviceAccounts/" + id, err
}

func (k *keeper) key(ctx context.Context, account, id string) (string, error) {
	reply, err := patronusv1.NewApiKeyServiceClient(k.conn).IssueApiKey(ctx, &patronusv1.IssueApiKeyRequest{
		Parent: account, ApiKeyId: id, ApiKey: &patronusv1.ApiKey{}})
	return reply.GetKey(), err
}

func (k *keeper) bind(ctx context.Context, account, id string) (string, error) {
	_, err := patronusv1.NewRoleBindingServiceClient(k.conn).CreateRoleBinding(ctx, &patronusv1.CreateRoleBindingRequest{
		Parent: k.organization, RoleBindingId: id, RoleBinding: &patronusv1.RoleBinding{Role: "roles/viewer", Members: []string{account}}})
	return k.organization + "/roleBindings/" + id, err
}

// begin makes the keeper's account with the certificate of the load, and returns him with his key.
func begin(ctx context.Context, l *load) (*keeper, error) {
	text, err := os.ReadFile(l.files[0])
	if err != nil {
		return nil, err
	}
	block, _ := pem.Decode(text)
	if block == nil {
		return nil, fmt.Errorf("%s holds no certificate", l.files[0])
	}
	certificate, err := x509.ParseCertificate(block.Bytes)
	if err != nil || len(certificate.URIs) != 1 {
		return nil, fmt.Errorf("%s names nobody: %w", l.files[0], err)
	}
	conns, err := connect(l)
	if err != nil {
		return nil, err
	}
	k := &keeper{conn: conns[0], organization: organization(l.run, 0), certificate: certificate.URIs[0].String()}
	account, err := k.account(ctx, "keeper")
	if err != nil {
		return nil, err
	}
	key, err := k.key(ctx, account, "keeper")
	if err != nil {
		return nil, err
	}
	_, err = patronusv1.NewClusterRoleBindingServiceClient(k.conn).CreateClusterRoleBinding(ctx, &patronusv1.CreateClusterRoleBindingRequest{
		ClusterRoleBindingId: "keeper", ClusterRoleBinding: &patronusv1.ClusterRoleBinding{Role: "roles/admin", Members: []string{account}}})
	if err != nil {
		return nil, err
	}
	other, err := l.with(key)
	if err != nil {
		return nil, err
	}
	if conns, err = connect(other); err != nil {
		return nil, err
	}
	k.conn = conns[0]
	return k, nil
}

// A revocation: who holds the credential, how it is taken away, and what is done behind that.
type revocation struct {
	holder     *load
	take, mend func(ctx context.Context) error
}

func nothing(context.Context) error { return nil }

// keyDeleted: the account and what it is bound to stay.
func (k *keeper) keyDeleted(ctx context.Context, l *load, id string) (*revocation, error) {
	account, err := k.account(ctx, id)
	if err != nil {
		return nil, err
	}
	if _, err = k.bind(ctx, account, id); err != nil {
		return nil, err
	}
	key, err := k.key(ctx, account, id)
	if err != nil {
		return nil, err
	}
	holder, err := l.with(key)
	return &revocation{holder, func(ctx context.Context) error {
		_, err := patronusv1.NewApiKeyServiceClient(k.conn).DeleteApiKey(ctx, &patronusv1.DeleteApiKeyRequest{Name: account + "/apiKeys/" + id})
		return err
	}, nothing}, err
}

// bindingRemoved: the key stays good, and may do nothing.
func (k *keeper) bindingRemoved(ctx context.Context, l *load, id string) (*revocation, error) {
	account, err := k.account(ctx, id)
	if err != nil {
		return nil, err
	}
	binding, err := k.bind(ctx, account, id)
	if err != nil {
		return nil, err
	}
	key, err := k.key(ctx, account, id)
	if err != nil {
		return nil, err
	}
	holder, err := l.with(key)
	return &revocation{holder, func(ctx context.Context) error {
		_, err := patronusv1.NewRoleBindingServiceClient(k.conn).DeleteRoleBinding(ctx, &patronusv1.DeleteRoleBindingRequest{Name: binding})
		return err
	}, nothing}, err
}

// certificateDenied: its SPIFFE id is refused at every door until the denial is deleted again.
func (k *keeper) certificateDenied(_ context.Context, l *load, id string) (*revocation, error) {
	denied := patronusv1.NewDeniedIdentityServiceClient(k.conn)
	return &revocation{l, func(ctx context.Context) error {
		_, err := denied.CreateDeniedIdentity(ctx, &patronusv1.CreateDeniedIdentityRequest{
			DeniedIdentityId: id, DeniedIdentity: &patronusv1.DeniedIdentity{Identity: k.certificate}})
		return err
	}, func(ctx context.Context) error {
		_, err := denied.DeleteDeniedIdentity(ctx, &patronusv1.DeleteDeniedIdentityRequest{Name: "deniedIdentities/" + id})
		return err
	}}, nil
}

// What became of a stream.
type stream struct {
	events      int
	last, ended time.Time
	err         error
}

// listen keeps a stream until its server ends it. What it is refused before its first events is asked again: a follower
// may not have heard of the grant yet.
func listen(ctx context.Context, conn *grpc.ClientConn, parent string, warm func()) stream {
	for end := time.Now().Add(openWithin); ; time.Sleep(20 * time.Millisecond) {
		var have stream
		events, err := patronusv1.NewWatchServiceClient(conn).Watch(ctx, &patronusv1.WatchRequest{Parent: parent, Kinds: []string{"sites"}})
		for err == nil {
			if _, err = events.Recv(); err == nil {
				have.last = time.Now()
				if have.events++; have.events == warmEvents {
					warm()
				}
			}
		}
		have.ended, have.err = time.Now(), err
		if have.events >= warmEvents || ctx.Err() != nil || have.ended.After(end) {
			return have
		}
	}
}

// one revocation under STREAMS open streams, round the servers: how long after the call was sent the last event came to
// any of them, and how long until all had ended.
func (k *keeper) one(ctx context.Context, r *revocation, streams int) (last, ended time.Duration, err error) {
	ctx, cancel := context.WithTimeout(ctx, openWithin+endWithin)
	defer cancel()
	conns, err := connect(r.holder)
	if err != nil {
		return 0, 0, err
	}
	results := make([]stream, streams)
	var open, warm sync.WaitGroup
	warm.Add(streams)
	for n := range streams {
		open.Go(func() {
			once := sync.OnceFunc(warm.Done)
			results[n] = listen(ctx, conns[n%len(conns)], k.organization, once)
			once()
		})
	}
	warm.Wait()
	began := time.Now()
	err = r.take(ctx)
	late := time.AfterFunc(endWithin, cancel)
	open.Wait()
	late.Stop()
	for _, conn := range conns {
		_ = conn.Close()
	}
	for n, have := range results {
		last, ended = max(last, have.last.Sub(began)), max(ended, have.ended.Sub(began))
		if code := status.Code(have.err); err == nil && code != codes.Unauthenticated && code != codes.PermissionDenied {
			err = fmt.Errorf("stream %d, after %d events: %w", n, have.events, have.err)
		}
	}
	return last, ended, err
}

// changes are made to one site, each 5 ms, until the context is over.
func (k *keeper) changes(ctx context.Context) error {
	sites := patronusv1.NewSiteServiceClient(k.conn)
	if _, err := sites.CreateSite(ctx, &patronusv1.CreateSiteRequest{Parent: k.organization, SiteId: "busy", Site: &patronusv1.Site{}}); err != nil {
		return err
	}
	tick := time.NewTicker(changeEvery)
	for i := 0; ; i++ {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
		_, err := sites.UpdateSite(ctx, &patronusv1.UpdateSiteRequest{UpdateMask: &fieldmaskpb.FieldMask{Paths: []string{"annotations"}}, Site: &patronusv1.Site{
			Name: k.organization + "/sites/busy", Annotations: map[string]string{"v": fmt.Sprint(i)}}})
		if err != nil && ctx.Err() == nil {
			return err
		}
	}
}

// revoke takes COUNT credentials away, in turn an API key, a role binding and a certificate, each under STREAMS watch
// streams on which an event comes each 5 ms. Prints: P50_US P99_US WORST_US ENDED_US, of the times from sending the
// revocation to the last event on any of its streams; ENDED_US is the longest until all of them had ended. A stream that
// goes on for 5 s, or ends with another code, is an error. Single times on standard error.
func revoke(l *load) error {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	k, err := begin(ctx, l)
	if err != nil {
		return err
	}
	var writer error
	var writing sync.WaitGroup
	writing.Go(func() { writer = k.changes(ctx) })
	cases := []struct {
		name string
		give func(ctx context.Context, l *load, id string) (*revocation, error)
	}{{"key", k.keyDeleted}, {"binding", k.bindingRemoved}, {"certificate", k.certificateDenied}}
	lasts := make([]time.Duration, 0, l.count)
	var worst time.Duration
	for i := range l.count {
		one := cases[i%len(cases)]
		r, err := one.give(ctx, l, fmt.Sprintf("%s-%d", one.name, i))
		if err != nil {
			return fmt.Errorf("%s %d: %w", one.name, i, err)
		}
		last, ended, err := k.one(ctx, r, l.atATime)
		if err == nil {
			err = r.mend(ctx)
		}
		if err != nil {
			return fmt.Errorf("%s %d: %w", one.name, i, err)
		}
		fmt.Fprintf(os.Stderr, "%s: last event after %d us, ended after %d us\n", one.name, last.Microseconds(), ended.Microseconds())
		lasts, worst = append(lasts, last), max(worst, ended)
	}
	cancel()
	writing.Wait()
	slices.Sort(lasts)
	fmt.Printf("%d %d %d %d\n", quantile(lasts, 0.5).Microseconds(), quantile(lasts, 0.99).Microseconds(), quantile(lasts, 1).Microseconds(), worst.Microseconds())
	return writer
}
