package main

import (
	"github.com/franzi-kafka/franzi/cmd/franzi/internal/output"
	"github.com/franzi-kafka/franzi/cmd/franzi/internal/wire"
	"github.com/franzi-kafka/franzi/gen/def"
	"github.com/franzi-kafka/franzi/gen/model"
	"github.com/franzi-kafka/franzi/kbin"
)

// skeleton is a message as JSON with all the fields that a version has: each with its
// default, arrays with one element.
func skeleton(s *model.Struct, v int16) output.Value {
	filled := output.Value{Kind: output.Object}
	body, tagged := wire.InOrder(s, v)
	for _, f := range append(body, tagged...) {
		filled.Members = append(filled.Members, output.Member{Key: f.JSONName(), Value: skeletonOf(f, v)})
	}
	return filled
}

func skeletonOf(f *model.Field, v int16) output.Value {
	switch {
	case f.Def.Type.Array:
		return output.Value{Kind: output.Array, Elements: []output.Value{skeletonElement(f, v, "")}}
	case f.Struct == nil && f.Def.Default == "null" && f.Def.Nullable.Has(v):
		return output.Value{Text: "null"}
	case f.Def.Default == "null":
		return skeletonElement(f, v, "")
	}
	return skeletonElement(f, v, f.Def.Default)
}

// skeletonElement is a value that is neither array nor null.
func skeletonElement(f *model.Field, v int16, otherwise string) output.Value {
	switch f.Def.Type.Base {
	case def.IsStruct:
		return skeleton(f.Struct, v)
	case def.String, def.Bytes, def.Records:
		return output.Value{Kind: output.String, Text: otherwise}
	case def.UUID:
		if otherwise == "" {
			otherwise = kbin.UUID{}.String()
		}
		return output.Value{Kind: output.String, Text: otherwise}
	}
	if otherwise != "" {
		return output.Value{Text: otherwise}
	}
	switch f.Def.Type.Base {
	case def.Bool:
		return output.Value{Text: "false"}
	case def.Float64:
		return output.Value{Text: "0.0"}
	}
	return output.Value{Text: "0"}
}
