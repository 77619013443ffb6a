// Prints, as JSON, which file of a Go module uses package-level names that which other file declares, by go/types.
package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"sort"
	"strings"

	"golang.org/x/tools/go/packages"
)

func main() {
	root, err := filepath.EvalSymlinks(os.Args[1])
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	mode := packages.NeedName | packages.NeedFiles | packages.NeedCompiledGoFiles | packages.NeedImports |
		packages.NeedDeps | packages.NeedTypes | packages.NeedSyntax | packages.NeedTypesInfo | packages.NeedModule
	loaded, err := packages.Load(&packages.Config{Mode: mode, Dir: root, Tests: true}, "./...")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	edges := map[string]map[string]bool{}
	files := map[string]bool{}
	inside := func(path string) (string, bool) {
		relative, err := filepath.Rel(root, path)
		return filepath.ToSlash(relative), err == nil && !strings.HasPrefix(relative, "..")
	}
	for _, pkg := range loaded {
		for _, file := range pkg.Syntax {
			if path, ok := inside(pkg.Fset.Position(file.Pos()).Filename); ok {
				files[path] = true
			}
		}
		for identifier, object := range pkg.TypesInfo.Uses {
			if object.Pkg() == nil || object.Parent() != object.Pkg().Scope() {
				continue
			}
			from, ok := inside(pkg.Fset.Position(identifier.Pos()).Filename)
			to, known := inside(pkg.Fset.Position(object.Pos()).Filename)
			if !ok || !known || from == to || !strings.HasSuffix(to, ".go") {
				continue
			}
			if edges[from] == nil {
				edges[from] = map[string]bool{}
			}
			edges[from][to] = true
		}
	}
	out := struct {
		Files   []string            `json:"files"`
		Imports map[string][]string `json:"imports"`
	}{Imports: map[string][]string{}}
	for path := range files {
		out.Files = append(out.Files, path)
	}
	sort.Strings(out.Files)
	for from, targets := range edges {
		for to := range targets {
			out.Imports[from] = append(out.Imports[from], to)
		}
		sort.Strings(out.Imports[from])
	}
	if err := json.NewEncoder(os.Stdout).Encode(out); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
