package provider

import (
	"strings"
	"testing"

	"github.com/patronus-sdwan/patronus/api/go/schema"
)

// What a change set cannot hold is told by the plan, with what to do instead.
func TestStagingRefuses(t *testing.T) {
	s := schema.Default()
	staging := &staging{organization: "organizations/acme"}
	for _, c := range []struct{ kind, name, want string }{
		{"site", "organizations/acme/sites/a", ""},
		{"link", "organizations/acme/sites/a/links/l", ""},
		{"site", "", ""}, // not known yet
		{"site", "organizations/acme2/sites/a", "is not below organizations/acme"},
		{"role", "organizations/acme/roles/r", "Change sets do not hold roles"},
		{"organization", "organizations/acme", "Change sets do not hold organizations"},
		{"identityProvider", "organizations/acme/identityProviders/i", "Change sets do not hold identityProviders"},
		{"changeSet", "organizations/acme/changeSets/c", "Change sets do not hold changeSets"},
		{"path", "organizations/acme/paths/p", "Change sets do not hold paths"},
	} {
		got := staging.refusal(s.Kind(c.kind), c.name)
		if (c.want == "") != (got == "") || !strings.Contains(got, c.want) {
			t.Errorf("%s %s: %q, not %q", c.kind, c.name, got, c.want)
		}
	}
}
