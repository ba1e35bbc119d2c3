// Command terraform-provider-patronus is the provider patronus-sdwan/patronus for Terraform and OpenTofu, protocol 6.
package main

import (
	"context"
	"flag"
	"log"
	"os"
	"runtime/debug"

	frameworkprovider "github.com/hashicorp/terraform-plugin-framework/provider"
	"github.com/hashicorp/terraform-plugin-framework/providerserver"
	"github.com/patronus-sdwan/patronus/api/go/schema"
	"github.com/patronus-sdwan/patronus/terraform/internal/provider"
)

var version = "dev" // set by the linker

// quiet keeps the framework from writing a line of JSON at each step of each resource: Terraform throws them away unless
// it is asked for its log, and they cost a quarter of the provider's time.
func quiet() {
	for _, name := range []string{"TF_LOG", "TF_LOG_PROVIDER", "TF_LOG_SDK", "TF_LOG_SDK_FRAMEWORK", "TF_LOG_SDK_PROTO"} {
		if os.Getenv(name) != "" {
			return
		}
	}
	for _, name := range []string{"TF_LOG_SDK", "TF_LOG_SDK_FRAMEWORK", "TF_LOG_SDK_PROTO"} {
		_ = os.Setenv(name, "ERROR") // a name without '=' or NUL: cannot fail
	}
}

func main() {
	forDebugger := flag.Bool("debug", false, "serve for a debugger: print how to attach, and stay")
	flag.Parse()
	quiet()
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(400) // a short life, and small
	}
	err := providerserver.Serve(context.Background(), func() frameworkprovider.Provider { return provider.New(version, schema.Default()) }, providerserver.ServeOpts{
		Address: "registry.terraform.io/patronus-sdwan/patronus", Debug: *forDebugger, ProtocolVersion: 6,
	})
	if err != nil {
		log.Fatal(err)
	}
}
