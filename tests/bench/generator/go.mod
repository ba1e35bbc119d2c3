module github.com/patronus-sdwan/patronus/tests/bench/generator

go 1.26.0

require (
	github.com/patronus-sdwan/patronus/api/go v0.0.0
	go.etcd.io/etcd/api/v3 v3.5.35
	google.golang.org/grpc v1.83.2
)

require (
	github.com/gogo/protobuf v1.3.2 // indirect
	github.com/golang/protobuf v1.5.4 // indirect
	golang.org/x/net v0.61.0 // indirect
	golang.org/x/sys v0.49.0 // indirect
	golang.org/x/text v0.43.0 // indirect
	google.golang.org/genproto/googleapis/api v0.0.0-20260803160001-6ac0973c030d // indirect
	google.golang.org/genproto/googleapis/rpc v0.0.0-20260803160001-6ac0973c030d // indirect
	google.golang.org/protobuf v1.36.12 // indirect
)

replace github.com/patronus-sdwan/patronus/api/go => ../../../api/go
