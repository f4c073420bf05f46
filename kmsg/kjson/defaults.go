package kjson

import (
	"reflect"
	"strconv"

	"github.com/franzi-kafka/franzi/kbin"
)

// setDefaults gives a struct inside a message Kafka's defaults.
func (d *decoder) setDefaults(v reflect.Value) {
	for _, f := range d.plans.Of(v.Type()) {
		x := v.Field(f.Index)
		null := f.Default == "null"
		switch x.Kind() {
		case reflect.Slice:
			if !null && !f.Records && f.Nullable.Min <= f.Nullable.Max { // nil would be null
				x.Set(reflect.MakeSlice(x.Type(), 0, 0))
			}
		case reflect.Pointer:
			if !null {
				x.Set(reflect.New(x.Type().Elem()))
				d.setDefaults(x.Elem())
			}
		case reflect.Struct:
			if x.Type() != nullStringType {
				d.setDefaults(x)
			} else if !null {
				x.Set(reflect.ValueOf(kbin.Str(f.Default)))
			}
		case reflect.String:
			x.SetString(f.Default)
		case reflect.Bool:
			x.SetBool(f.Default == "true")
		case reflect.Array:
			if u, err := kbin.ParseUUID(f.Default); err == nil {
				x.Set(reflect.ValueOf(u))
			}
		case reflect.Float64:
			n, _ := strconv.ParseFloat(f.Default, 64) // "" is 0
			x.SetFloat(n)
		case reflect.Uint16, reflect.Uint32:
			n, _ := strconv.ParseUint(f.Default, 10, 64)
			x.SetUint(n)
		default:
			n, _ := strconv.ParseInt(f.Default, 10, 64)
			x.SetInt(n)
		}
	}
}
