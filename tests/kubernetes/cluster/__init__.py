"""A real Kubernetes API server and its etcd, on loopback. There is no kubelet: pods are made and never run."""
