package patronus

import (
	"context"
	"errors"
	"fmt"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

// Reason is a documented cause of an error: what a program may branch on.
type Reason string

// APIError is every error that a call gives: a code, the documented reason, the field, and a sentence that says what is
// wrong and what would be right.
//
//	var conflict patronus.ErrEtagMismatch
//	if errors.As(err, &conflict) { ... }         // one type a reason
//	var failure *patronus.APIError
//	if errors.As(err, &failure) { ... }          // any of them
type APIError struct {
	Code    codes.Code
	Reason  Reason // "" when the server states none
	Field   string // path of the field in the resource, or ""
	Message string
	Method  string // "/patronus.v1.SiteService/GetSite"
	Server  string // the one that answered, or that did not
	cause   error
}

// Error is the field, the server's sentence, and code and reason in parentheses.
func (e *APIError) Error() string {
	text := e.Message
	if e.Field != "" {
		text = e.Field + ": " + text
	}
	if e.Reason != "" {
		return fmt.Sprintf("%s (%s, %s)", text, e.Code, e.Reason)
	}
	return fmt.Sprintf("%s (%s)", text, e.Code)
}

// GRPCStatus makes status.Code and status.FromError work.
func (e *APIError) GRPCStatus() *status.Status { return status.New(e.Code, e.Message) }

// Unwrap gives what gRPC said.
func (e *APIError) Unwrap() error { return e.cause }

// Is knows the errors of package context, so that errors.Is(err, context.Canceled) holds for a call that was cancelled.
func (e *APIError) Is(target error) bool {
	return (target == context.Canceled && e.Code == codes.Canceled) ||
		(target == context.DeadlineExceeded && e.Code == codes.DeadlineExceeded)
}

// As finds the APIError within the type of its reason.
func (e *APIError) As(target any) bool {
	if place, ok := target.(**APIError); ok {
		*place = e
		return true
	}
	return false
}

// fromGRPC reads status line and details.
func fromGRPC(err error, method, server string) *APIError {
	if err == nil {
		return nil
	}
	var already *APIError
	if errors.As(err, &already) {
		return already
	}
	st := status.Convert(err)
	if errors.Is(err, context.Canceled) {
		st = status.New(codes.Canceled, err.Error())
	} else if errors.Is(err, context.DeadlineExceeded) {
		st = status.New(codes.DeadlineExceeded, err.Error())
	}
	e := &APIError{Code: st.Code(), Message: st.Message(), Method: method, Server: server, cause: err}
	for _, detail := range st.Details() {
		switch d := detail.(type) {
		case *errdetails.ErrorInfo:
			if d.Domain == "patronus" {
				e.Reason = Reason(d.Reason)
				e.Field = d.Metadata["field"]
			}
		case *errdetails.BadRequest:
			if e.Field == "" && len(d.FieldViolations) > 0 {
				e.Field = d.FieldViolations[0].Field
			}
		}
	}
	return e
}
