package provider

import (
	"encoding/base64"
	"fmt"
	"math/big"
	"sort"
	"strconv"
	"strings"
	"time"

	"github.com/hashicorp/terraform-plugin-go/tftypes"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/timestamppb"
)

// ---- Terraform's value of a message ---------------------------------------------------------------------------------

func tfType(f *field) tftypes.Type {
	var element tftypes.Type
	switch f.shape {
	case shapeBool:
		element = tftypes.Bool
	case shapeInt, shapeFloat:
		element = tftypes.Number
	case shapeObject:
		element = tfObjectType(f.children)
	default:
		element = tftypes.String
	}
	switch f.in {
	case list:
		return tftypes.List{ElementType: element}
	case set:
		return tftypes.Set{ElementType: element}
	case mapped:
		return tftypes.Map{ElementType: element}
	}
	return element
}

func tfObjectType(fields []*field) tftypes.Object {
	all := map[string]tftypes.Type{}
	for _, f := range fields {
		all[f.name] = tfType(f)
	}
	return tftypes.Object{AttributeTypes: all}
}

// fromMessage makes the attributes of a message. prior holds what was known before: values that the server never shows
// (secrets) are kept from there. It may be nil.
func fromMessage(fields []*field, message protoreflect.Message, prior map[string]tftypes.Value) map[string]tftypes.Value {
	all := map[string]tftypes.Value{}
	for _, f := range fields {
		if f.rules.Secret {
			all[f.name] = tftypes.NewValue(tfType(f), nil)
			if kept, ok := prior[f.name]; ok {
				all[f.name] = kept
			}
			continue
		}
		all[f.name] = fromField(f, message, prior[f.name])
	}
	return all
}

func fromField(f *field, message protoreflect.Message, prior tftypes.Value) tftypes.Value {
	desc := message.Descriptor().Fields().ByName(f.desc.Name())
	whole := tfType(f)
	if desc == nil {
		return tftypes.NewValue(whole, nil)
	}
	value := message.Get(desc)
	switch f.in {
	case list, set:
		priors := elementsOf(prior)
		elements := make([]tftypes.Value, value.List().Len())
		for i := range elements {
			var before tftypes.Value
			if i < len(priors) {
				before = priors[i]
			}
			elements[i] = fromValue(f, value.List().Get(i), before)
		}
		return tftypes.NewValue(whole, elements)
	case mapped:
		var priors map[string]tftypes.Value
		if !prior.IsNull() && prior.IsKnown() {
			_ = prior.As(&priors)
		}
		elements := map[string]tftypes.Value{}
		value.Map().Range(func(key protoreflect.MapKey, v protoreflect.Value) bool {
			elements[key.String()] = fromValue(f, v, priors[key.String()])
			return true
		})
		return tftypes.NewValue(whole, elements)
	}
	if (f.presence || !f.user() && f.shape != shapeBool) && !message.Has(desc) {
		return tftypes.NewValue(whole, nil)
	}
	return fromValue(f, value, prior)
}

func elementsOf(value tftypes.Value) []tftypes.Value {
	var elements []tftypes.Value
	if value.Type() != nil && !value.IsNull() && value.IsKnown() {
		_ = value.As(&elements)
	}
	return elements
}

func fromValue(f *field, value protoreflect.Value, prior tftypes.Value) tftypes.Value {
	switch f.shape {
	case shapeBool:
		return tftypes.NewValue(tftypes.Bool, value.Bool())
	case shapeInt:
		return tftypes.NewValue(tftypes.Number, intValue(f.value, value))
	case shapeFloat:
		return tftypes.NewValue(tftypes.Number, floatValue(f.value, value))
	case shapeEnum:
		if known := f.value.Enum().Values().ByNumber(value.Enum()); known != nil {
			return tftypes.NewValue(tftypes.String, string(known.Name()))
		}
		return tftypes.NewValue(tftypes.String, strconv.Itoa(int(value.Enum()))) // of a newer server
	case shapeBytes:
		return tftypes.NewValue(tftypes.String, base64.StdEncoding.EncodeToString(value.Bytes()))
	case shapeTimestamp:
		seconds, nanos := secondsOf(value.Message())
		return tftypes.NewValue(tftypes.String, timestampText(time.Unix(seconds, nanos)))
	case shapeDuration:
		seconds, nanos := secondsOf(value.Message())
		return tftypes.NewValue(tftypes.String, durationText(&durationpb.Duration{Seconds: seconds, Nanos: int32(nanos)}))
	case shapeObject:
		var before map[string]tftypes.Value
		if prior.Type() != nil && !prior.IsNull() && prior.IsKnown() {
			_ = prior.As(&before)
		}
		return tftypes.NewValue(tfObjectType(f.children), fromMessage(f.children, value.Message(), before))
	}
	return tftypes.NewValue(tftypes.String, value.String())
}

func intValue(desc protoreflect.FieldDescriptor, value protoreflect.Value) *big.Float {
	switch desc.Kind() {
	case protoreflect.Uint32Kind, protoreflect.Uint64Kind, protoreflect.Fixed32Kind, protoreflect.Fixed64Kind:
		return new(big.Float).SetUint64(value.Uint())
	}
	return new(big.Float).SetInt64(value.Int())
}

// floatValue is the shortest decimal that means the same: what the user wrote, in the precision that Terraform uses.
func floatValue(desc protoreflect.FieldDescriptor, value protoreflect.Value) *big.Float {
	bits := 64
	if desc.Kind() == protoreflect.FloatKind {
		bits = 32
	}
	number, _, err := big.ParseFloat(strconv.FormatFloat(value.Float(), 'g', -1, bits), 10, 512, big.ToNearestEven)
	if err != nil {
		return big.NewFloat(0) // NaN and infinities: the rules refuse them
	}
	return number
}

func secondsOf(message protoreflect.Message) (int64, int64) {
	fields := message.Descriptor().Fields()
	return message.Get(fields.ByNumber(1)).Int(), message.Get(fields.ByNumber(2)).Int()
}

// fraction cuts nanoseconds to 0, 3, 6 or 9 digits, as proto JSON does.
func fraction(nanos int64) string {
	text := fmt.Sprintf("%09d", nanos)
	for _, digits := range []int{0, 3, 6} {
		if strings.Trim(text[digits:], "0") == "" {
			text = text[:digits]
			break
		}
	}
	if text == "" {
		return ""
	}
	return "." + text
}

func timestampText(t time.Time) string {
	t = t.UTC()
	return t.Format("2006-01-02T15:04:05") + fraction(int64(t.Nanosecond())) + "Z"
}

func durationText(d *durationpb.Duration) string {
	sign, seconds, nanos := "", d.Seconds, int64(d.Nanos)
	if seconds < 0 || nanos < 0 {
		sign, seconds, nanos = "-", -seconds, -nanos
	}
	return sign + strconv.FormatInt(seconds, 10) + fraction(nanos) + "s"
}

func parseDuration(text string) (*durationpb.Duration, bool) {
	digits, ok := strings.CutSuffix(text, "s")
	if !ok || digits == "" {
		return nil, false
	}
	rest, negative := strings.CutPrefix(digits, "-")
	whole, part, _ := strings.Cut(rest, ".")
	seconds, err := strconv.ParseUint(whole, 10, 62)
	if err != nil || len(part) > 9 {
		return nil, false
	}
	nanos := uint64(0)
	if part != "" {
		if nanos, err = strconv.ParseUint((part + "000000000")[:9], 10, 32); err != nil {
			return nil, false
		}
	}
	d := &durationpb.Duration{Seconds: int64(seconds), Nanos: int32(nanos)}
	if negative {
		d.Seconds, d.Nanos = -d.Seconds, -d.Nanos
	}
	return d, true
}

// ---- the message of Terraform's values ------------------------------------------------------------------------------

// toMessage sets the fields that attributes hold; null leaves a field alone. Values have been checked by the rules.
func toMessage(fields []*field, values map[string]tftypes.Value, message protoreflect.Message) error {
	for _, f := range fields {
		value, ok := values[f.name]
		if !ok || value.IsNull() {
			continue
		}
		if !value.IsFullyKnown() {
			return fmt.Errorf("%s is not known yet", f.name)
		}
		if err := toField(f, value, message); err != nil {
			return fmt.Errorf("%s: %w", f.name, err)
		}
	}
	return nil
}

func toField(f *field, value tftypes.Value, message protoreflect.Message) error {
	desc := message.Descriptor().Fields().ByName(f.desc.Name())
	switch f.in {
	case list, set:
		target := message.Mutable(desc).List()
		for _, element := range elementsOf(value) {
			one, err := toValue(f, element, target.NewElement)
			if err != nil {
				return err
			}
			target.Append(one)
		}
		return nil
	case mapped:
		target := message.Mutable(desc).Map()
		var elements map[string]tftypes.Value
		if err := value.As(&elements); err != nil {
			return err
		}
		for _, name := range sortedKeys(elements) {
			key, err := mapKey(desc.MapKey(), name)
			if err != nil {
				return err
			}
			one, err := toValue(f, elements[name], target.NewValue)
			if err != nil {
				return err
			}
			target.Set(key, one)
		}
		return nil
	}
	one, err := toValue(f, value, func() protoreflect.Value { return message.NewField(desc) })
	if err == nil {
		message.Set(desc, one)
	}
	return err
}

func sortedKeys[V any](m map[string]V) []string {
	keys := make([]string, 0, len(m))
	for key := range m {
		keys = append(keys, key)
	}
	sort.Strings(keys)
	return keys
}

func mapKey(desc protoreflect.FieldDescriptor, text string) (protoreflect.MapKey, error) {
	switch desc.Kind() {
	case protoreflect.StringKind:
		return protoreflect.ValueOfString(text).MapKey(), nil
	case protoreflect.BoolKind:
		value, err := strconv.ParseBool(text)
		return protoreflect.ValueOfBool(value).MapKey(), err
	}
	number, _, err := big.ParseFloat(text, 10, 512, big.ToNearestEven)
	if err != nil {
		return protoreflect.MapKey{}, err
	}
	value, err := number64(desc, number)
	return value.MapKey(), err
}

func toValue(f *field, value tftypes.Value, fresh func() protoreflect.Value) (protoreflect.Value, error) {
	var text string
	switch f.shape {
	case shapeBool:
		var b bool
		err := value.As(&b)
		return protoreflect.ValueOfBool(b), err
	case shapeInt, shapeFloat:
		number := new(big.Float)
		if err := value.As(&number); err != nil {
			return protoreflect.Value{}, err
		}
		return number64(f.value, number)
	case shapeObject:
		var children map[string]tftypes.Value
		if err := value.As(&children); err != nil {
			return protoreflect.Value{}, err
		}
		one := fresh()
		return one, toMessage(f.children, children, one.Message())
	}
	if err := value.As(&text); err != nil {
		return protoreflect.Value{}, err
	}
	switch f.shape {
	case shapeEnum:
		number, ok := enumNumber(f, text)
		if !ok {
			return protoreflect.Value{}, fmt.Errorf("'%s' is not one of %s", text, strings.Join(f.enumNames(), ", "))
		}
		return protoreflect.ValueOfEnum(number), nil
	case shapeBytes:
		data, err := base64.StdEncoding.DecodeString(text)
		return protoreflect.ValueOfBytes(data), err
	case shapeTimestamp:
		t, err := time.Parse(time.RFC3339Nano, text)
		if err != nil {
			return protoreflect.Value{}, err
		}
		stamp := timestamppb.New(t)
		return seconds(fresh(), stamp.Seconds, stamp.Nanos), nil
	case shapeDuration:
		d, ok := parseDuration(text)
		if !ok {
			return protoreflect.Value{}, fmt.Errorf("'%s' is not a duration", text)
		}
		return seconds(fresh(), d.Seconds, d.Nanos), nil
	}
	return protoreflect.ValueOfString(text), nil
}

func seconds(message protoreflect.Value, s int64, nanos int32) protoreflect.Value {
	fields := message.Message().Descriptor().Fields()
	message.Message().Set(fields.ByNumber(1), protoreflect.ValueOfInt64(s))
	message.Message().Set(fields.ByNumber(2), protoreflect.ValueOfInt32(nanos))
	return message
}

// enumNumber of a name, or of the number itself: what a newer server gave must be writable too.
func enumNumber(f *field, text string) (protoreflect.EnumNumber, bool) {
	if known := f.value.Enum().Values().ByName(protoreflect.Name(text)); known != nil && known.Number() != 0 {
		return known.Number(), true
	}
	number, err := strconv.ParseInt(text, 10, 32)
	return protoreflect.EnumNumber(number), err == nil && number != 0
}

// number64 puts a number into a field's type; an error when it does not fit.
func number64(desc protoreflect.FieldDescriptor, number *big.Float) (protoreflect.Value, error) {
	kind := desc.Kind()
	if kind == protoreflect.DoubleKind || kind == protoreflect.FloatKind {
		value, _ := number.Float64()
		if kind == protoreflect.FloatKind {
			return protoreflect.ValueOfFloat32(float32(value)), nil
		}
		return protoreflect.ValueOfFloat64(value), nil
	}
	whole, exact := number.Int(nil)
	bad := fmt.Errorf("%s is not a whole number that fits; write one of type %s", number.Text('f', -1), kind)
	if exact != big.Exact {
		return protoreflect.Value{}, bad
	}
	switch kind {
	case protoreflect.Uint32Kind, protoreflect.Fixed32Kind:
		if whole.IsUint64() && whole.Uint64() <= 1<<32-1 {
			return protoreflect.ValueOfUint32(uint32(whole.Uint64())), nil
		}
	case protoreflect.Uint64Kind, protoreflect.Fixed64Kind:
		if whole.IsUint64() {
			return protoreflect.ValueOfUint64(whole.Uint64()), nil
		}
	case protoreflect.Int32Kind, protoreflect.Sint32Kind, protoreflect.Sfixed32Kind:
		if whole.IsInt64() && whole.Int64() >= -1<<31 && whole.Int64() <= 1<<31-1 {
			return protoreflect.ValueOfInt32(int32(whole.Int64())), nil
		}
	default:
		if whole.IsInt64() {
			return protoreflect.ValueOfInt64(whole.Int64()), nil
		}
	}
	return protoreflect.Value{}, bad
}
