package schema

import (
	"fmt"
	"strings"
)

// NameSizeMax is the longest name of a resource, in bytes.
const NameSizeMax = 384

// ValidID says whether text is [a-z]([a-z0-9-]{0,61}[a-z0-9])?
func ValidID(text string) bool {
	if len(text) < 1 || len(text) > 63 || text[0] < 'a' || text[0] > 'z' || text[len(text)-1] == '-' {
		return false
	}
	for i := 0; i < len(text); i++ {
		c := text[i]
		if (c < 'a' || c > 'z') && (c < '0' || c > '9') && c != '-' {
			return false
		}
	}
	return true
}

// Chain is the kind's ancestors from the top level down, and the kind.
func (k *Kind) Chain() []*Kind {
	var chain []*Kind
	for at := k; at != nil; at = at.Parent {
		chain = append([]*Kind{at}, chain...)
	}
	return chain
}

// Name of a resource from one id per level.
func (k *Kind) Name(ids ...string) (string, error) {
	chain := k.Chain()
	if len(ids) != len(chain) {
		return "", fmt.Errorf("%s has %d ids, not %d", k.Pattern, len(chain), len(ids))
	}
	parts := make([]string, 0, 2*len(ids))
	for i, id := range ids {
		if !ValidID(id) {
			return "", fmt.Errorf("'%s' is not an id; ids are 1 to 63 of a-z, 0-9 and '-', begin with a letter and do not end with '-'", id)
		}
		parts = append(parts, chain[i].Plural, id)
	}
	name := strings.Join(parts, "/")
	if len(name) > NameSizeMax {
		return "", fmt.Errorf("the name is %d bytes long; at most %d are allowed", len(name), NameSizeMax)
	}
	return name, nil
}

// IDs of a name of this kind, one per level.
func (k *Kind) IDs(name string) ([]string, error) {
	parts := strings.Split(name, "/")
	chain := k.Chain()
	if len(parts) != 2*len(chain) {
		return nil, fmt.Errorf("'%s' is not the name of a %s; write %s", name, k.Singular, k.Pattern)
	}
	ids := make([]string, len(chain))
	for i := range chain {
		if parts[2*i] != chain[i].Plural {
			return nil, fmt.Errorf("'%s' is not the name of a %s; write %s", name, k.Singular, k.Pattern)
		}
		ids[i] = parts[2*i+1]
	}
	if _, err := k.Name(ids...); err != nil {
		return nil, err
	}
	return ids, nil
}

// SplitName cuts a name into its parent's and its id: "a/b/c/d" gives "a/b" and "d".
func SplitName(name string) (parent, id string) {
	at := strings.LastIndexByte(name, '/')
	if at < 0 {
		return "", name
	}
	parent, id = name[:at], name[at+1:]
	if at = strings.LastIndexByte(parent, '/'); at < 0 {
		return "", id
	}
	return parent[:at], id
}

// KindOf finds the kind that a name belongs to.
func (s *Schema) KindOf(name string) (*Kind, error) {
	parts := strings.Split(name, "/")
	if len(parts) >= 2 {
		for _, kind := range s.kinds {
			if kind.Plural == parts[len(parts)-2] {
				if _, err := kind.IDs(name); err != nil {
					return nil, err
				}
				return kind, nil
			}
		}
	}
	return nil, fmt.Errorf("'%s' is not the name of a resource; write for example organizations/acme/sites/nyc", name)
}
