// Command terraform-provider-patronus is the provider patronus-sdwan/patronus for Terraform and OpenTofu, protocol 6.
package main

import (
	"context"
	"flag"
	"log"

	frameworkprovider "github.com/hashicorp/terraform-plugin-framework/provider"
	"github.com/hashicorp/terraform-plugin-framework/providerserver"
	"github.com/patronus-sdwan/patronus/api/go/schema"
	"github.com/patronus-sdwan/patronus/terraform/internal/provider"
)

var version = "dev" // set by the linker

func main() {
	debug := flag.Bool("debug", false, "serve for a debugger: print how to attach, and stay")
	flag.Parse()
	err := providerserver.Serve(context.Background(), func() frameworkprovider.Provider { return provider.New(version, schema.Default()) }, providerserver.ServeOpts{
		Address: "registry.terraform.io/patronus-sdwan/patronus", Debug: *debug, ProtocolVersion: 6,
	})
	if err != nil {
		log.Fatal(err)
	}
}
