"""SageMaker on this machine: control plane, pipeline engine, jobs, registry, endpoints and runtime.

It imports nothing of the product: whatever speaks SageMaker's API (boto3, the AWS CLI, the SageMaker SDK) works
against it.

    api/         one request: botocore parses and validates it, a handler answers, botocore validates the answer
    resources/   models, model packages, tags
    pipelines/   definitions, and the engine that runs them
    jobs/        processing, training, tuning, transform
    serving/     endpoints, and the runtime that answers invocations
    warm/        processes forked from one that has imported everything already
    containers/  what runs inside such a process, in the place of an AWS image
    launcher/    starts and stops all of it, MiniStack for the rest of AWS, and what runs beside it, such as the page
"""
