#!/usr/bin/env bash
# A training on two machines: sbatch deploy/slurm.sh DATA RUN [OPTION...], with the options of `salgan-tf train`.
# DATA and RUN are on a disk that all machines share, and `salgan-tf` is on the PATH. For GPUs add --gpus-per-task=1.
#SBATCH --job-name=salgan-train
#SBATCH --nodes=2
#SBATCH --ntasks-per-node=1
#SBATCH --cpus-per-task=8
#SBATCH --requeue
set -euo pipefail
data=$1 out=$2
shift 2

# A worker that ends takes the others with it. The step is started again, and continues after the last whole epoch.
for attempt in 1 2 3 4 5; do
  srun --kill-on-bad-exit=1 salgan-tf train --data "$data" --out "$out" --strategy multi-worker "$@" && exit
  echo "attempt $attempt has failed" >&2
done
exit 1
