package reflected

import (
	"reflect"

	"github.com/franzi-kafka/franzi/kbin"
)

// Copy makes dst a deep copy of src; both point to messages of the same type.
func Copy(dst, src any) {
	copyInto(reflect.ValueOf(dst).Elem(), reflect.ValueOf(src).Elem())
}

func copyInto(dst, src reflect.Value) {
	switch {
	case src.Type() == tagsType:
		dst.Set(reflect.ValueOf(src.Interface().(kbin.Tags).Clone()))
	case src.Kind() == reflect.Struct:
		for i := range src.NumField() {
			copyInto(dst.Field(i), src.Field(i))
		}
	case src.Kind() == reflect.Slice && !src.IsNil():
		dst.Set(reflect.MakeSlice(src.Type(), src.Len(), src.Len()))
		switch src.Type().Elem().Kind() {
		case reflect.Struct, reflect.Slice:
			for i := range src.Len() {
				copyInto(dst.Index(i), src.Index(i))
			}
		default:
			reflect.Copy(dst, src)
		}
	case src.Kind() == reflect.Pointer && !src.IsNil():
		dst.Set(reflect.New(src.Type().Elem()))
		copyInto(dst.Elem(), src.Elem())
	default:
		dst.Set(src)
	}
}
