package patronus_test

import (
	"go/ast"
	"go/doc"
	"go/parser"
	"go/token"
	"os"
	"strings"
	"testing"
)

// `go doc` is the reference: everything exported has a comment, and it begins with what it is about.
func TestEverythingExportedIsExplained(t *testing.T) {
	for _, folder := range []string{".", "schema"} {
		set := token.NewFileSet()
		var files []*ast.File
		entries, err := os.ReadDir(folder)
		if err != nil {
			t.Fatal(err)
		}
		for _, entry := range entries {
			if name := entry.Name(); strings.HasSuffix(name, ".go") && !strings.HasSuffix(name, "_test.go") {
				file, err := parser.ParseFile(set, folder+"/"+name, nil, parser.ParseComments)
				if err != nil {
					t.Fatal(err)
				}
				files = append(files, file)
			}
		}
		pkg, err := doc.NewFromFiles(set, files, folder)
		if err != nil {
			t.Fatal(err)
		}
		explained := 0
		need := func(what, text string) {
			if explained++; strings.TrimSpace(text) == "" {
				t.Errorf("%s: %s has no comment", folder, what)
			}
		}
		need("the package", pkg.Doc)
		values := append(append([]*doc.Value{}, pkg.Consts...), pkg.Vars...)
		funcs := append([]*doc.Func{}, pkg.Funcs...)
		for _, one := range pkg.Types {
			need(one.Name, one.Doc)
			values = append(append(values, one.Consts...), one.Vars...)
			funcs = append(append(funcs, one.Funcs...), one.Methods...)
		}
		for _, one := range values {
			need(strings.Join(one.Names, ", "), one.Doc)
		}
		for _, one := range funcs {
			need(one.Recv+"."+one.Name, one.Doc)
		}
		if explained < 10 {
			t.Errorf("%s: only %d exported things were found", folder, explained)
		}
	}
}
