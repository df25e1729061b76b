#!/bin/sh
# Slurm job array: every task does one shard of a command on many objects.
#
#   export S3_SSEC_KEY_FILE=$HOME/lab.key AWS_ENDPOINT_URL_S3=https://gateway JOURNALS=$PWD/journals
#   mkdir -p "$JOURNALS"
#   sbatch slurm-array.sh put -r data s3://bucket/data/
#   s3-ssec report "$JOURNALS"/*.jsonl
#
# A task that is killed and requeued goes on where it was: its journal says what is done. The array
# must be 1-N; --array on the command line of sbatch changes N.

#SBATCH --job-name=s3-ssec
#SBATCH --array=1-4
#SBATCH --requeue
#SBATCH --open-mode=append
#SBATCH --output=s3-ssec-%a.log

exec s3-ssec "$@" \
    --shard "$SLURM_ARRAY_TASK_ID/$SLURM_ARRAY_TASK_COUNT" \
    --journal "${JOURNALS:-.}/shard-$SLURM_ARRAY_TASK_ID.jsonl"
