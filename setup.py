"""Packages, extras and the `contender` script; the settings of the tools are in pyproject.toml.

The extras keep the parts apart: code that runs in a Lambda needs none of this (standard library and the Lambda's own
boto3), `contender` alone talks to an AWS account, `[pipeline]` compiles definitions, `[studio]` is the web page, and
`[local]` brings AWS on a laptop, with the page.
"""

from setuptools import find_packages, setup

PIPELINE = ["sagemaker>=3.27,<4"]

STUDIO = [
    "starlette>=1,<2",
    "uvicorn>=0.30,<1",
    "Jinja2>=3.1,<4",
    "itsdangerous>=2.2,<3",
    "python-multipart>=0.0.20",
    "cachetools>=5.5,<9",
]

# MiniStack and boto3 belong together: a newer boto3 would silently select an old MiniStack.
# xgboost-cpu is the module `xgboost` without 300 MB of GPU libraries.
LOCAL = [
    *STUDIO,
    "ministack==1.5.33",
    "boto3==1.43.106",
    "botocore==1.43.106",
    "uvloop>=0.21,<1; sys_platform != 'win32'",
    "httptools>=0.6,<1",
    "xgboost-cpu>=3.0,<4",
    "scikit-learn>=1.5,<2",
    "scipy>=1.11,<2",
    "numpy>=2,<3",
    "pandas>=2.2,<4",
    "pyarrow>=17",
    "optuna>=4,<6",
    "datasketches>=5,<6",
    "shap>=0.50,<1",
    "matplotlib>=3.9,<4",
    "threadpoolctl>=3.5,<4",
]

DEV = [
    "pytest>=8,<10",
    "pytest-timeout>=2.3,<3",
    "pytest-xdist>=3.6,<4",
    "mypy>=1.15,<3",
    "ruff>=0.12",
    "cfn-lint>=1.40,<2",
    "types-PyYAML",
    "types-cachetools",
    "mabwiser>=2.7,<3",
    "nbclient>=0.10,<1",
    "nbformat>=5.10,<6",
    "ipykernel>=7,<8",
    "playwright>=1.60,<2",
    "axe-playwright-python>=0.1.8,<1",
    "httpx2>=2,<3",
]

setup(
    name="contender",
    version="0.1.0",
    description="Champion/challenger MLOps on Amazon SageMaker, whole on a laptop too",
    python_requires=">=3.11",
    packages=find_packages(include=["contender", "contender.*", "pipelines", "pipelines.*", "steps", "steps.*"]),
    package_data={
        "contender": [
            "py.typed",
            "report/*.html",
            "cost/prices/*.yaml",
            "studio/templates/*",
            "studio/static/*",
            "studio/static/vendor/*",
        ]
    },
    install_requires=[
        "boto3>=1.43,<2",
        "click>=8.1,<9",
        "pydantic>=2.8,<3",
        "PyYAML>=6,<7",
        "rich>=13,<15",
    ],
    extras_require={"pipeline": PIPELINE, "studio": STUDIO, "local": LOCAL, "dev": [*PIPELINE, *LOCAL, *DEV]},
    entry_points={"console_scripts": ["contender = contender.cli.main:main"]},
)
