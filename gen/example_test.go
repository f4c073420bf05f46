package gen_test

import (
	"fmt"
	"maps"
	"slices"

	"github.com/franzi-kafka/franzi/gen"
	"github.com/franzi-kafka/franzi/gen/model"
	"github.com/franzi-kafka/franzi/spec"
)

// Code for two APIs, in a package of one's own.
func ExampleWrite() {
	m, err := model.Load(spec.FS)
	if err != nil {
		fmt.Println(err)
		return
	}
	files, err := gen.Write(m, gen.Options{Package: "wire", Only: []string{"Fetch", "Produce"}})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(slices.Sorted(maps.Keys(files)))
	// gen.WriteDir("wire", files) writes them, and deletes what was generated before and is
	// not among them.

	// Output: [fetch.go produce.go]
}
