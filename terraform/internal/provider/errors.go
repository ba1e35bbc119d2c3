package provider

import (
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"
	patronus "github.com/patronus-sdwan/patronus/api/go"
	"google.golang.org/grpc/codes"
)

// report puts an error of the API where the user can see its cause: at the attribute, with what to do next.
func report(diags *diag.Diagnostics, fields []*field, doing string, err error) {
	var failure *patronus.APIError
	if !errors.As(err, &failure) {
		diags.AddError(doing+" failed", err.Error())
		return
	}
	summary, detail := doing+" was refused", sentence(failure)
	if failure.Code == codes.Unavailable || failure.Code == codes.DeadlineExceeded {
		summary = doing + " got no answer"
	}
	if at, ok := attributePath(fields, failure.Field); ok {
		diags.AddAttributeError(at, summary, detail)
		return
	}
	diags.AddError(summary, detail)
}

func sentence(failure *patronus.APIError) string {
	text := failure.Message
	if failure.Field != "" {
		text = failure.Field + ": " + text
	}
	cause := failure.Code.String()
	if failure.Reason != "" {
		cause += ", " + string(failure.Reason)
	}
	if hint := hints[failure.Reason]; hint != "" {
		text += "\n\n" + hint
	}
	return fmt.Sprintf("%s\n\n(%s)", text, cause)
}

// hints say what to do about a reason in Terraform's terms, where the server's sentence cannot.
var hints = map[patronus.Reason]string{
	patronus.ReasonResourceExists:      "Take it into the state with `terraform import`, or choose another name.",
	patronus.ReasonParentNotFound:      "Write the parent's name as a reference (\"${patronus_site.a.name}/edges/e1\"), so that it is made first.",
	patronus.ReasonReferenceNotFound:   "Write the name as a reference (patronus_site.a.name), so that what it names is made first.",
	patronus.ReasonResourceInUse:       "Change or delete what refers to it; with references in the configuration Terraform finds the order by itself.",
	patronus.ReasonPermissionMissing:   "The provider's credential does not allow this; set `credential` to one that does.",
	patronus.ReasonCredentialsMissing:  "Set the provider's `credential`, or PATRONUS_CREDENTIAL.",
	patronus.ReasonResourceHasChildren: "Delete what stands below it first; with references in the configuration Terraform finds the order by itself.",
}

// attributePath turns "lan_interfaces[1].prefixes[0]" or "labels.tier" into a path of the configuration. It stops at a
// set, whose elements have no place.
func attributePath(fields []*field, text string) (path.Path, bool) {
	at, found := path.Empty(), false
	for text != "" {
		name := text[:strings.IndexAny(text+".", ".[")]
		text = text[len(name):]
		f := find(fields, name)
		if f == nil {
			return at, found
		}
		at, found = at.AtName(f.name), true
		switch {
		case f.in == mapped && strings.HasPrefix(text, "."):
			return at.AtMapKey(text[1:]), true
		case f.in == list && strings.HasPrefix(text, "["):
			end := strings.IndexByte(text, ']')
			index, err := strconv.Atoi(text[1:max(end, 1)])
			if err != nil {
				return at, true
			}
			at, text = at.AtListIndex(index), text[end+1:]
		case f.in != single:
			return at, true
		}
		fields, text = f.children, strings.TrimPrefix(text, ".")
	}
	return at, found
}

func find(fields []*field, name string) *field {
	for _, f := range fields {
		if string(f.desc.Name()) == name {
			return f
		}
	}
	return nil
}
