package kmsg_test

import (
	"reflect"
	"strings"
	"testing"

	"github.com/franzi-kafka/franzi/kbin"
	"github.com/franzi-kafka/franzi/kmsg"
	"github.com/franzi-kafka/franzi/kmsg/internal/interpreter"
)

// callMethod calls a method without arguments by its name.
func callMethod(x any, name string) any {
	return reflect.ValueOf(x).MethodByName(name).Call(nil)[0].Interface()
}

// dereferenced returns the struct that a message points to.
func dereferenced(m kmsg.Message) any { return reflect.ValueOf(m).Elem().Interface() }

// unguardedConfigs finds structs that name a config and have its value as a string, but do
// not hide it.
func unguardedConfigs(t *testing.T, name string, d *interpreter.Message) []string {
	t.Helper()
	low, high := d.Versions()
	if low > high {
		return nil
	}
	var found []string
	var walk func(typ reflect.Type)
	walk = func(typ reflect.Type) {
		value, hasValue := typ.FieldByName("Value")
		_, hasName := typ.FieldByName("Name")
		if hasValue && hasName && value.Type == reflect.TypeFor[kbin.NullString]() {
			if _, guarded := reflect.Zero(typ).Interface().(interface{ IsSecret() bool }); !guarded {
				found = append(found, typ.Name())
			}
		}
		for i := range typ.NumField() {
			inner := typ.Field(i).Type
			for inner.Kind() == reflect.Slice || inner.Kind() == reflect.Pointer {
				inner = inner.Elem()
			}
			if inner.Kind() == reflect.Struct && strings.HasPrefix(inner.Name(), typ.Name()[:3]) {
				walk(inner)
			}
		}
	}
	walk(reflect.TypeOf(newMessage(name, low)).Elem())
	return found
}
