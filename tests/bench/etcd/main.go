// The etcd server that the benchmarks measure against, built from its Go module: etcd's own main, nothing else.
package main

import (
	"os"

	"go.etcd.io/etcd/server/v3/etcdmain"
)

func main() {
	etcdmain.Main(os.Args)
}
