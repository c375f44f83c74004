#!/bin/sh
# Put AI Proxy on AWS ECS (Fargate): one task, its database on EFS, https by a load
# balancer. Run it again at any time: what exists is kept, the image is renewed.
#
#   CERTIFICATE_ARN=arn:aws:acm:... PUBLIC_URL=https://ai.example.com sh deploy/aws_deploy.sh
#   sh deploy/aws_deploy.sh --dry-run     prints every command; needs no aws, no network
#
# Settings (environment): AWS_REGION (us-east-1), APP (aiproxy), CERTIFICATE_ARN and
# PUBLIC_URL (needed), ALLOWED_CIDR (0.0.0.0/0: who may reach https), VPC_ID (the
# default VPC), SUBNETS (all of it, comma-separated; two zones at least).
# The first password is made by AWS and kept in Secrets Manager as APP/admin-password.
set -eu

DRY_RUN=false
case "${1:-}" in
  --dry-run) DRY_RUN=true ;;
  "") ;;
  *) echo "usage: aws_deploy.sh [--dry-run]" >&2; exit 2 ;;
esac

APP=${APP:-aiproxy}
REGION=${AWS_REGION:-us-east-1}
ALLOWED_CIDR=${ALLOWED_CIDR:-0.0.0.0/0}
CERTIFICATE_ARN=${CERTIFICATE_ARN:-}
PUBLIC_URL=${PUBLIC_URL:-}
PORT=8000
HERE=$(cd "$(dirname "$0")/.." && pwd)

fail() { echo "aws_deploy.sh: $*" >&2; exit 1; }
step() { echo "== $*" >&2; }

if $DRY_RUN; then
  CERTIFICATE_ARN=${CERTIFICATE_ARN:-arn:aws:acm:REGION:ACCOUNT:certificate/ID}
  PUBLIC_URL=${PUBLIC_URL:-https://ai.example.com}
else
  [ -n "$CERTIFICATE_ARN" ] || fail "set CERTIFICATE_ARN to an ACM certificate: keys and prompts do not travel in clear"
  [ -n "$PUBLIC_URL" ] || fail "set PUBLIC_URL to the address that the certificate is for"
  command -v aws >/dev/null || fail "install the AWS command line first"
  command -v docker >/dev/null || fail "install docker first: it builds the image"
fi
case "$PUBLIC_URL" in
  https://*) PUBLIC_HOST=${PUBLIC_URL#https://}; PUBLIC_HOST=${PUBLIC_HOST%%/*} ;;
  *) fail "PUBLIC_URL must begin with https://" ;;
esac

# Each command goes through one of these. In a dry run both print; `ask` then answers
# with the placeholder that stands for what AWS would say.
show() { # a command as a shell would take it
  line=
  for word in "$@"; do
    case $word in
      *[!A-Za-z0-9_./:=,@%+-]*) word="'$(printf %s "$word" | sed "s/'/'\\\\''/g")'" ;;
    esac
    line="$line $word"
  done
  echo "${line# }"
}
run() {
  if $DRY_RUN; then show "$@"; else "$@" >/dev/null; fi
}
ask() {
  placeholder=$1; shift
  if $DRY_RUN; then
    show "$@" >&3
    echo "$placeholder"
  else
    answer=$("$@") || return 1
    # The command line writes None where a query finds nothing.
    if [ "$answer" = None ]; then echo ""; else echo "$answer"; fi
  fi
}
aws_() { set -- aws --region "$REGION" "$@"; "$runner" "$@"; }
do_() { runner=run; aws_ "$@"; }
get() { placeholder_=$1; shift; ask "$placeholder_" aws --region "$REGION" --output text "$@"; }
# What may be missing: an error means "not there", and it is made.
find_() { placeholder_=$1; shift; if $DRY_RUN; then ask "" aws --region "$REGION" --output text "$@"; else get "$placeholder_" "$@" 2>/dev/null || true; fi; }
exec 3>&1

step "account and network"
ACCOUNT=$(get ACCOUNT sts get-caller-identity --query Account)
VPC_ID=${VPC_ID:-$(get vpc-ID ec2 describe-vpcs --filters Name=is-default,Values=true --query 'Vpcs[0].VpcId')}
[ -n "$VPC_ID" ] || fail "there is no default VPC: set VPC_ID and SUBNETS"
if [ -z "${SUBNETS:-}" ]; then
  SUBNETS=$(get subnet-A,subnet-B ec2 describe-subnets --filters "Name=vpc-id,Values=$VPC_ID" --query 'Subnets[].SubnetId' | tr '\t ' ',,')
fi
[ -n "$SUBNETS" ] || fail "the VPC $VPC_ID has no subnet: set SUBNETS"
SUBNET_LIST=$(echo "$SUBNETS" | tr ',' ' ')

step "image"
REGISTRY=$ACCOUNT.dkr.ecr.$REGION.amazonaws.com
IMAGE=$REGISTRY/$APP:latest
if [ -z "$(find_ uri ecr describe-repositories --repository-names "$APP" --query 'repositories[0].repositoryUri')" ]; then
  do_ ecr create-repository --repository-name "$APP" --image-scanning-configuration scanOnPush=true
fi
if $DRY_RUN; then
  echo "aws --region $REGION ecr get-login-password | docker login --username AWS --password-stdin $REGISTRY"
else
  aws --region "$REGION" ecr get-login-password | docker login --username AWS --password-stdin "$REGISTRY" >/dev/null
fi
run docker build --platform linux/amd64 --tag "$IMAGE" "$HERE"
run docker push "$IMAGE"

step "log group, role, first password"
if [ -z "$(find_ name logs describe-log-groups --log-group-name-prefix "/ecs/$APP" --query 'logGroups[0].logGroupName')" ]; then
  do_ logs create-log-group --log-group-name "/ecs/$APP"
  do_ logs put-retention-policy --log-group-name "/ecs/$APP" --retention-in-days 30
fi
ROLE=$APP-execution
if [ -z "$(find_ arn iam get-role --role-name "$ROLE" --query Role.Arn)" ]; then
  do_ iam create-role --role-name "$ROLE" --assume-role-policy-document '{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"ecs-tasks.amazonaws.com"},"Action":"sts:AssumeRole"}]}'
fi
do_ iam attach-role-policy --role-name "$ROLE" --policy-arn arn:aws:iam::aws:policy/service-role/AmazonECSTaskExecutionRolePolicy
SECRET=$(find_ arn secretsmanager describe-secret --secret-id "$APP/admin-password" --query ARN)
if [ -z "$SECRET" ]; then
  PASSWORD=$(get GENERATED secretsmanager get-random-password --password-length 24 --exclude-punctuation --query RandomPassword)
  SECRET=$(get arn:aws:secretsmanager:SECRET secretsmanager create-secret --name "$APP/admin-password" --secret-string "$PASSWORD" --query ARN)
fi
do_ iam put-role-policy --role-name "$ROLE" --policy-name read-password --policy-document "{\"Version\":\"2012-10-17\",\"Statement\":[{\"Effect\":\"Allow\",\"Action\":\"secretsmanager:GetSecretValue\",\"Resource\":\"$SECRET\"}]}"

step "security groups"
group() { # name, description -> id
  id=$(find_ sg-ID ec2 describe-security-groups --filters "Name=group-name,Values=$1" "Name=vpc-id,Values=$VPC_ID" --query 'SecurityGroups[0].GroupId')
  if [ -z "$id" ]; then
    id=$(get "sg-$1" ec2 create-security-group --group-name "$1" --description "$2" --vpc-id "$VPC_ID" --query GroupId)
  fi
  echo "$id"
}
allow() { # to, port, from: a group or a network
  case "$3" in sg-*) set -- "$1" "$2" --source-group "$3" ;; *) set -- "$1" "$2" --cidr "$3" ;; esac
  if $DRY_RUN; then
    do_ ec2 authorize-security-group-ingress --group-id "$1" --protocol tcp --port "$2" "$3" "$4"
  else
    # Refused as a duplicate where it was allowed before.
    problem=$(aws --region "$REGION" ec2 authorize-security-group-ingress --group-id "$1" --protocol tcp --port "$2" "$3" "$4" 2>&1 >/dev/null) ||
      case "$problem" in *Duplicate*) ;; *) fail "$problem" ;; esac
  fi
}
BALANCER_GROUP=$(group "$APP-balancer" "https from outside")
TASK_GROUP=$(group "$APP-task" "the load balancer alone")
FILES_GROUP=$(group "$APP-files" "the task alone")
allow "$BALANCER_GROUP" 443 "$ALLOWED_CIDR"
allow "$TASK_GROUP" "$PORT" "$BALANCER_GROUP"
allow "$FILES_GROUP" 2049 "$TASK_GROUP"

step "file system for the database"
FILES=$(find_ fs-ID efs describe-file-systems --creation-token "$APP" --query 'FileSystems[0].FileSystemId')
if [ -z "$FILES" ]; then
  FILES=$(get fs-ID efs create-file-system --creation-token "$APP" --encrypted --backup --query FileSystemId)
fi
wait_for_files() {
  tries=0
  until [ "$(get available efs describe-file-systems --file-system-id "$FILES" --query 'FileSystems[0].LifeCycleState')" = available ]; do
    tries=$((tries + 1))
    [ $tries -lt 60 ] || fail "the file system $FILES does not become available"
    sleep 5
  done
}
wait_for_files
for subnet in $SUBNET_LIST; do
  if [ -z "$(find_ fsmt-ID efs describe-mount-targets --file-system-id "$FILES" --query "MountTargets[?SubnetId=='$subnet'].MountTargetId | [0]")" ]; then
    do_ efs create-mount-target --file-system-id "$FILES" --subnet-id "$subnet" --security-groups "$FILES_GROUP"
  fi
done
ACCESS=$(find_ fsap-ID efs describe-access-points --file-system-id "$FILES" --query 'AccessPoints[0].AccessPointId')
if [ -z "$ACCESS" ]; then
  ACCESS=$(get fsap-ID efs create-access-point --file-system-id "$FILES" --posix-user Uid=10001,Gid=10001 --root-directory 'Path=/data,CreationInfo={OwnerUid=10001,OwnerGid=10001,Permissions=0700}' --query AccessPointId)
fi

step "load balancer"
BALANCER=$(find_ arn elbv2 describe-load-balancers --names "$APP" --query 'LoadBalancers[0].LoadBalancerArn')
if [ -z "$BALANCER" ]; then
  # Unquoted: one word a subnet.
  # shellcheck disable=SC2086
  BALANCER=$(get arn:balancer elbv2 create-load-balancer --name "$APP" --type application --security-groups "$BALANCER_GROUP" --subnets $SUBNET_LIST --query 'LoadBalancers[0].LoadBalancerArn')
fi
# A model may think for minutes without a word.
do_ elbv2 modify-load-balancer-attributes --load-balancer-arn "$BALANCER" --attributes Key=idle_timeout.timeout_seconds,Value=660
TARGET=$(find_ arn elbv2 describe-target-groups --names "$APP" --query 'TargetGroups[0].TargetGroupArn')
if [ -z "$TARGET" ]; then
  TARGET=$(get arn:target elbv2 create-target-group --name "$APP" --protocol HTTP --port "$PORT" --vpc-id "$VPC_ID" --target-type ip --health-check-path /ready --query 'TargetGroups[0].TargetGroupArn')
fi
if [ -z "$(find_ arn elbv2 describe-listeners --load-balancer-arn "$BALANCER" --query "Listeners[?Port==\`443\`].ListenerArn | [0]")" ]; then
  do_ elbv2 create-listener --load-balancer-arn "$BALANCER" --protocol HTTPS --port 443 --certificates "CertificateArn=$CERTIFICATE_ARN" --ssl-policy ELBSecurityPolicy-TLS13-1-2-2021-06 --default-actions "Type=forward,TargetGroupArn=$TARGET"
fi
NETWORK=$(get 172.31.0.0/16 ec2 describe-vpcs --vpc-ids "$VPC_ID" --query 'Vpcs[0].CidrBlock')

step "task and service"
do_ ecs create-cluster --cluster-name "$APP"
TASK=$(cat <<JSON
{"family": "$APP", "requiresCompatibilities": ["FARGATE"], "networkMode": "awsvpc",
 "cpu": "512", "memory": "1024", "executionRoleArn": "arn:aws:iam::$ACCOUNT:role/$ROLE",
 "volumes": [{"name": "data", "efsVolumeConfiguration": {"fileSystemId": "$FILES",
   "transitEncryption": "ENABLED", "authorizationConfig": {"accessPointId": "$ACCESS"}}}],
 "containerDefinitions": [{"name": "$APP", "image": "$IMAGE", "essential": true,
   "readonlyRootFilesystem": true, "stopTimeout": 45,
   "portMappings": [{"containerPort": $PORT}],
   "mountPoints": [{"sourceVolume": "data", "containerPath": "/data"}],
   "environment": [{"name": "PUBLIC_URL", "value": "$PUBLIC_URL"},
     {"name": "TRUSTED_PROXIES", "value": "$NETWORK"},
     {"name": "PROXY_AUTH", "value": "required"},
     {"name": "SESSION_COOKIE_SECURE", "value": "true"},
     {"name": "LOG_FORMAT", "value": "json"}],
   "secrets": [{"name": "ADMIN_PASSWORD", "valueFrom": "$SECRET"}],
   "logConfiguration": {"logDriver": "awslogs", "options": {"awslogs-group": "/ecs/$APP",
     "awslogs-region": "$REGION", "awslogs-stream-prefix": "$APP"}}}]}
JSON
)
REVISION=$(get "$APP:1" ecs register-task-definition --cli-input-json "$(echo "$TASK" | tr -d '\n')" --query taskDefinition.taskDefinitionArn)
# Never two tasks on one database: the old one ends before the new one starts.
DEPLOYMENT=minimumHealthyPercent=0,maximumPercent=100
STATE=$(find_ ACTIVE ecs describe-services --cluster "$APP" --services "$APP" --query "services[?status=='ACTIVE'].status | [0]")
if [ "$STATE" = ACTIVE ]; then
  do_ ecs update-service --cluster "$APP" --service "$APP" --task-definition "$REVISION" --desired-count 1 --deployment-configuration "$DEPLOYMENT" --force-new-deployment
else
  do_ ecs create-service --cluster "$APP" --service-name "$APP" --task-definition "$REVISION" --desired-count 1 --launch-type FARGATE --deployment-configuration "$DEPLOYMENT" --network-configuration "awsvpcConfiguration={subnets=[$SUBNETS],securityGroups=[$TASK_GROUP],assignPublicIp=ENABLED}" --load-balancers "targetGroupArn=$TARGET,containerName=$APP,containerPort=$PORT" --health-check-grace-period-seconds 60
fi
do_ ecs wait services-stable --cluster "$APP" --services "$APP"

NAME=$(get "$APP.elb.amazonaws.com" elbv2 describe-load-balancers --load-balancer-arns "$BALANCER" --query 'LoadBalancers[0].DNSName')
echo "Point $PUBLIC_HOST (CNAME) at $NAME, then open $PUBLIC_URL."
echo "Log in as admin; the password: aws --region $REGION secretsmanager get-secret-value --secret-id $APP/admin-password --query SecretString --output text"
