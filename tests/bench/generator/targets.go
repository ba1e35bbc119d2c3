package main

import (
	"context"
	"fmt"

	patronusv1 "github.com/patronus-sdwan/patronus/api/go/patronus/v1"
	"go.etcd.io/etcd/api/v3/etcdserverpb"
	"google.golang.org/grpc"
)

const listLength = 100

func organization(run string, i int) string {
	return fmt.Sprintf("organizations/%s-%d", run, i/sitesPerParent)
}

func siteID(i int) string { return fmt.Sprintf("s%07d", i) }

type patronusTarget struct{}

func (patronusTarget) write(ctx context.Context, conn *grpc.ClientConn, run string, i int) error {
	_, err := patronusv1.NewSiteServiceClient(conn).CreateSite(ctx, &patronusv1.CreateSiteRequest{
		Parent: organization(run, i), SiteId: siteID(i), Site: &patronusv1.Site{Annotations: map[string]string{"v": value}}})
	return err
}

func (patronusTarget) read(ctx context.Context, conn *grpc.ClientConn, run string, i int) error {
	_, err := patronusv1.NewSiteServiceClient(conn).GetSite(ctx, &patronusv1.GetSiteRequest{Name: organization(run, i) + "/sites/" + siteID(i)})
	return err
}

func (patronusTarget) list(ctx context.Context, conn *grpc.ClientConn, run string, i int) error {
	reply, err := patronusv1.NewSiteServiceClient(conn).ListSites(ctx, &patronusv1.ListSitesRequest{Parent: organization(run, i), PageSize: listLength})
	if err == nil && len(reply.GetSites()) != listLength {
		return fmt.Errorf("a list of %d, not %d", len(reply.GetSites()), listLength)
	}
	return err
}

type etcdTarget struct{}

func etcdKey(run string, i int) []byte { return []byte(organization(run, i) + "/sites/" + siteID(i)) }

func (etcdTarget) write(ctx context.Context, conn *grpc.ClientConn, run string, i int) error {
	_, err := etcdserverpb.NewKVClient(conn).Put(ctx, &etcdserverpb.PutRequest{Key: etcdKey(run, i), Value: []byte(value)})
	return err
}

func (etcdTarget) read(ctx context.Context, conn *grpc.ClientConn, run string, i int) error {
	reply, err := etcdserverpb.NewKVClient(conn).Range(ctx, &etcdserverpb.RangeRequest{Key: etcdKey(run, i)})
	if err == nil && len(reply.Kvs) != 1 {
		return fmt.Errorf("a key that was written is not there")
	}
	return err
}

func (etcdTarget) list(ctx context.Context, conn *grpc.ClientConn, run string, i int) error {
	from := []byte(organization(run, i) + "/sites/")
	to := append([]byte(organization(run, i)+"/sites"), '0') // '0' comes behind '/'
	reply, err := etcdserverpb.NewKVClient(conn).Range(ctx, &etcdserverpb.RangeRequest{Key: from, RangeEnd: to, Limit: listLength})
	if err == nil && len(reply.Kvs) != listLength {
		return fmt.Errorf("a list of %d, not %d", len(reply.Kvs), listLength)
	}
	return err
}
