process HISTOGRADE_GATHER {
    label 'process_single'

    conda "${moduleDir}/environment.yml"
    container "histograde:0.1.0"

    input:
    path(sheet)
    path(slides, stageAs: 'slides/*')
    path(folders, stageAs: 'scored/*')

    output:
    path("results/slides.csv"), emit: slides
    path("results/long.csv")  , emit: long
    path("results/sizes.csv") , emit: sizes
    path("results")           , emit: results
    tuple val("${task.process}"), val('histograde'), eval("histograde --version | sed 's/histograde //'"), topic: versions

    when:
    task.ext.when == null || task.ext.when

    script:
    def args = task.ext.args ?: ''
    """
    mkdir -p results
    # A slide that failed has no files, only what the store says of it.
    for part in scored/*/slides scored/*/store; do
        if [ -d "\$part" ]; then cp -rL "\$part" results/; fi
    done
    histograde score --manifest ${sheet} -o results --gather ${args} || [ \$? -eq 1 ]
    """

    stub:
    """
    mkdir -p results
    touch results/slides.csv results/long.csv results/sizes.csv
    """
}
